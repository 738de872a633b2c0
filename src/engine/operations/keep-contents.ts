import type { Carried } from '../core/carried.ts';
import type { FolderToKeep, PackageTree, SentFolder } from '../core/kept-folder.ts';
import { CloudCodeError } from '../core/errors.ts';
import {
  beginUpload,
  deleteUpload,
  holdContents,
  insertContent,
  insertContentPart,
  insertPackageTree,
  markContents,
} from '../store/contents.ts';
import type { Queryable } from '../store/open-store.ts';
import type { OnProgress } from './extension.ts';
import { packContent } from './pack-content.ts';
import { severalAtOnce } from './several-at-once.ts';

/** What a deployment holds besides its code. */
export interface DeployableContents {
  readonly packages: DeployablePackages | null;
  readonly files: FolderToKeep | SentFolder | null;
}

export interface DeployablePackages {
  /** Null where there are none. */
  readonly tree: PackageTree | null;
  /** One for each hash in the tree. */
  readonly folders: readonly (FolderToKeep | SentFolder)[];
  /** Of the project, from the root of the tree, with `/`: `''`, `apps/jobs`. */
  readonly projectPath: string;
}

/** How much a deployment holds besides its code, and what of that the database did not have. */
export interface CarriedContents {
  /** Each content once, wherever it stands. */
  readonly packages: Carried;
  /** `added` is `files`, of all of them, when one is another. */
  readonly files: Carried;
}

export const noContents: CarriedContents = {
  packages: { count: 0, bytes: 0, added: [] },
  files: { count: 0, bytes: 0, added: [] },
};

const storedAtOnce = 4;
/** Of many packages not each is told. */
const tellEveryMs = 1_000;

/** A content that was there when a deployment began is not there any more. */
export class ContentsGone extends Error {
  override readonly name = 'ContentsGone';
}

/**
 * Stores what the database lacks of the contents of a deployment to come, each in pieces and in transactions of its own: nobody waits for it, and others that store the same are not disturbed.
 * What it leaves behind when it is interrupted is deleted in time.
 * @throws CloudCodeError `files_changed`, and `parts_missing` of what should have been sent
 */
export async function keepContents(
  db: Queryable,
  contents: DeployableContents,
  onProgress: OnProgress,
): Promise<CarriedContents> {
  const folders = foldersOf(contents);
  const known =
    folders.length === 0
      ? new Set<string>()
      : await markContents(
          db,
          folders.map(({ hash }) => hash),
        );
  const unknown = folders.filter(({ hash }) => !known.has(hash));
  const lacking = unknown.filter((folder) => 'isSent' in folder);
  if (lacking.length > 0) throw partsMissing(lacking.map(({ name }) => name));
  const toStore = unknown.filter((folder): folder is FolderToKeep => !('isSent' in folder));
  let tellAt = performance.now() + tellEveryMs;
  await severalAtOnce(toStore.entries(), storedAtOnce, async ([index, folder]) => {
    if (performance.now() > tellAt) {
      onProgress(
        `storing packages and files: ${index} of ${unknown.length} are done, next ${folder.name} (${(bytesOf(folder) / 1e6).toFixed(1)} MB)`,
      );
      tellAt = performance.now() + tellEveryMs;
    }
    await store(db, folder);
  });
  const packages = distinct(contents.packages?.folders ?? []);
  const files = contents.files === null ? [] : [contents.files];
  const addedOf = (kept: readonly (FolderToKeep | SentFolder)[]): Carried['added'] =>
    kept.filter((folder) => unknown.includes(folder)).map((folder) => ({ name: folder.name, bytes: bytesOf(folder) }));
  return {
    packages: { count: packages.length, bytes: sum(packages.map(bytesOf)), added: addedOf(packages) },
    files: {
      count: sum(files.map((folder) => ('isSent' in folder ? folder.count : folder.files.length))),
      bytes: sum(files.map(bytesOf)),
      added: addedOf(files),
    },
  };
}

/** Of parts that have to be there, as they were sent. */
export function partsMissing(names: readonly string[]): CloudCodeError {
  return new CloudCodeError(
    'parts_missing',
    `The store does not have ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}. Nothing was deployed.`,
    { hint: 'Deploy again: what is missing is sent.' },
  );
}

/** In the transaction of the deployment that refers to them. @throws ContentsGone */
export async function referToContents(db: Queryable, contents: DeployableContents): Promise<void> {
  const hashes = foldersOf(contents).map(({ hash }) => hash);
  const there = await holdContents(db, hashes);
  const gone = hashes.filter((hash) => !there.has(hash));
  if (gone.length > 0) throw new ContentsGone(`contents were deleted meanwhile: ${gone.join(', ')}`);
  const tree = contents.packages?.tree ?? null;
  if (tree !== null) await insertPackageTree(db, tree);
}

async function store(db: Queryable, folder: FolderToKeep): Promise<void> {
  const uploadId = await beginUpload(db);
  let number = 0;
  let isNamed = false;
  try {
    await packContent(folder, async (data) => {
      await insertContentPart(db, { uploadId, number, data });
      number += 1;
    });
    isNamed = await insertContent(db, folder, uploadId);
  } finally {
    // Where somebody was faster too. What cannot be deleted now is deleted as left behind.
    if (!isNamed) await deleteUpload(db, uploadId).catch(() => undefined);
  }
}

function foldersOf({ packages, files }: DeployableContents): readonly (FolderToKeep | SentFolder)[] {
  return distinct([...(packages?.folders ?? []), ...(files === null ? [] : [files])]);
}

function distinct(folders: readonly (FolderToKeep | SentFolder)[]): readonly (FolderToKeep | SentFolder)[] {
  return [...new Map(folders.map((folder) => [folder.hash, folder])).values()];
}

function bytesOf(folder: FolderToKeep | SentFolder): number {
  return 'isSent' in folder ? folder.bytes : sum(folder.files.map(({ bytes }) => bytes));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
