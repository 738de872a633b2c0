/** A file of a folder that is kept with deployments. */
export interface KeptFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly isExecutable: boolean;
}

/** The files of one package, or what a project deploys besides its code: kept once for each content. */
export interface KeptFolder {
  /** SHA-256, in hexadecimal digits, of the paths, modes and contents. */
  readonly hash: string;
  readonly files: readonly KeptFile[];
}

export const sha256Pattern = /^[0-9a-f]{64}$/;

/** A content that a server was sent, or is going to be, in place of the folder. */
export interface SentFolder {
  readonly hash: string;
  readonly name: string;
  readonly bytes: number;
  /** Of its files. */
  readonly count: number;
  readonly isSent: true;
}

/** A folder on the machine that deploys it. */
export interface FolderToKeep extends KeptFolder {
  /** `pg@8.16.0`, or `files`: for messages. */
  readonly name: string;
  /** Absolute. */
  readonly source: string;
  /** What was built to stand in the place of files there, or where there is none: text by path. */
  readonly built?: ReadonlyMap<string, string>;
}

/** Where the packages of a deployment stand, so that Node finds from each file what it would find in the project. */
export interface PackageTree {
  /** SHA-256, in hexadecimal digits, of the rest. */
  readonly hash: string;
  /** By path from the tree's root, which is the project's folder or that of its workspace: `node_modules/pg`, `apps/jobs/node_modules/pg`, `node_modules/.pnpm/pg@8.16.0/node_modules/pg`. */
  readonly folders: readonly { readonly path: string; readonly hash: string }[];
  /** Symbolic links, by path from the root; the target is relative to the link's own folder. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** What a tree's hash is made of. */
export function treeText({ folders, links }: Omit<PackageTree, 'hash'>): string {
  return JSON.stringify([
    folders.map(({ path, hash }) => [path, hash]),
    links.map(({ path, target }) => [path, target]),
  ]);
}
