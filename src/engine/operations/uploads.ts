import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { bundleHashBesides } from '../../contents/bundle-hash.ts';
import { CloudCodeError } from '../core/errors.ts';
import type { SentBundle, SentContent } from '../core/manifest.ts';
import {
  beginUpload as insertUpload,
  completeUpload,
  deleteUpload,
  insertContent,
  markContents,
  putUploadPart,
  readKnownContents,
} from '../store/contents.ts';
import { insertSentBundle, markBundles } from '../store/deployments.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { refuseToChange, findEnvironment } from './environments.ts';
import { ContentDamaged, isZstdError, readContent, readParts } from './read-content.ts';

// The parts of a deployment come from another machine piece by piece. Nobody sees one before it is whole, and is what its hash says.

/** Of a piece, compressed, in bytes. */
export const maxPieceBytes = 2 * 1024 * 1024;
/** Of one part. */
const maxPieces = 5_000;
/** Of the code and the source map of one bundle. */
const maxBundleBytes = 256 * 1024 * 1024;

const decompress = promisify(zstdDecompress);

export interface PartHashes {
  readonly bundles: readonly string[];
  readonly contents: readonly string[];
}

/** Those of the parts of a deployment that are not there; the others stay for an hour at least. @throws CloudCodeError `environment_not_found`, `environment_deleting` */
export async function missingParts(
  db: Queryable,
  environment: string,
  { bundles, contents }: PartHashes,
): Promise<PartHashes> {
  await refuseToChange(db, environment);
  const [knownBundles, knownContents] = await Promise.all([markBundles(db, bundles), markContents(db, contents)]);
  return {
    bundles: [...new Set(bundles)].filter((hash) => !knownBundles.has(hash)),
    contents: [...new Set(contents)].filter((hash) => !knownContents.has(hash)),
  };
}

/** @throws CloudCodeError `environment_not_found`, `environment_deleting` */
export async function beginUpload(db: Queryable, environment: string): Promise<{ readonly id: string }> {
  await refuseToChange(db, environment);
  return { id: await insertUpload(db, await findEnvironment(db, environment)) };
}

interface Upload {
  readonly environment: string;
  /** As it was answered: a whole number, in digits. */
  readonly id: string;
}

/** Stores a piece of an upload; the same again is stored once. @throws CloudCodeError `upload_not_found`, `environment_not_found` */
export async function putPiece(
  db: Queryable,
  { environment, id }: Upload,
  { number, data }: { readonly number: string; readonly data: Buffer },
): Promise<void> {
  const environmentId = await findEnvironment(db, environment);
  refuseOtherId(id);
  if (!/^(0|[1-9]\d{0,3})$/.test(number) || Number(number) >= maxPieces)
    throw new CloudCodeError(
      'invalid_upload',
      `${JSON.stringify(number.slice(0, 100))} is no number of a piece: they are whole numbers from 0 to ${maxPieces - 1}.`,
    );
  if (!(await putUploadPart(db, { environmentId, uploadId: id, number: Number(number), data }))) throw notFound(id);
}

/**
 * Makes an upload that is complete the files of a package or of a project. One that is there already is left as it is.
 * @throws CloudCodeError `upload_not_found`; `invalid_upload` when it is not what it is said to be: it is deleted then
 */
export async function completeContent(store: Store, { environment, id }: Upload, content: SentContent): Promise<void> {
  const environmentId = await findEnvironment(store, environment);
  refuseOtherId(id);
  if (!(await completeUpload(store, { environmentId, uploadId: id }))) {
    // Whoever asks again, as the answer was lost, is told the same.
    if ((await readKnownContents(store, [content.hash])).has(content.hash)) return;
    throw notFound(id);
  }
  await keepWhenRight(store, id, async () => {
    await readContent(store, { ...content, uploadId: id }, async (_file, pieces) => {
      for await (const _piece of pieces());
    });
    return insertContent(store, content, id);
  });
}

/** The same of a bundle. @throws as completeContent */
export async function completeBundle(store: Store, { environment, id }: Upload, bundle: SentBundle): Promise<void> {
  const environmentId = await findEnvironment(store, environment);
  refuseOtherId(id);
  const { hash, format, codeBytes, sourceMapBytes } = bundle;
  if (!(await completeUpload(store, { environmentId, uploadId: id }))) {
    if ((await markBundles(store, [hash])).has(hash)) return;
    throw notFound(id);
  }
  await keepWhenRight(store, id, async () => {
    const bytes = codeBytes + sourceMapBytes;
    if (bytes > maxBundleBytes)
      throw new ContentDamaged(`too large: ${bytes} bytes, and at most ${maxBundleBytes} are taken`);
    const pieces: Buffer[] = [];
    for await (const piece of readParts(store, id)) pieces.push(piece);
    const whole = await decompress(Buffer.concat(pieces), { maxOutputLength: bytes + 1 });
    const text = { code: whole.toString('utf8', 0, codeBytes), sourceMap: whole.toString('utf8', codeBytes), format };
    if (whole.length !== bytes || (await bundleHashBesides(text)) !== hash)
      throw new ContentDamaged('not what its hash says');
    await insertSentBundle(store, { hash, ...text });
    return false;
  });
}

/** @param keep returns whether the upload's bytes are needed any longer */
async function keepWhenRight(store: Store, id: string, keep: () => Promise<boolean>): Promise<void> {
  let isNeeded = false;
  try {
    isNeeded = await keep();
  } catch (error) {
    if (!(error instanceof ContentDamaged) && !isZstdError(error)) throw error;
    const why = error instanceof ContentDamaged ? error.message : 'no valid stream of zstd';
    throw new CloudCodeError('invalid_upload', `What was sent as upload ${id} is ${why}. Nothing of it was kept.`, {
      hint: 'Deploy again.',
      cause: error,
    });
  } finally {
    // What cannot be deleted now is deleted as left behind.
    if (!isNeeded) await deleteUpload(store, id).catch(() => undefined);
  }
}

/** What no upload can be called. */
function refuseOtherId(id: string): void {
  if (!/^\d{1,18}$/.test(id)) throw notFound(id);
}

function notFound(id: string): CloudCodeError {
  return new CloudCodeError(
    'upload_not_found',
    `There is no upload ${JSON.stringify(id.slice(0, 100))} in this environment that can be added to.`,
    {
      hint: 'It was completed, or nobody went on with it for an hour. Deploy again: what is stored is not sent again.',
    },
  );
}
