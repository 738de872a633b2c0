import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { bytesOf, readBundleText } from '../contents/stored-bundle.ts';
import type { FolderToKeep } from '../engine/core/kept-folder.ts';
import type { Manifest, SentBundle, SentContent } from '../engine/core/manifest.ts';
import { packContent } from '../engine/operations/pack-content.ts';
import { maxPieceBytes } from '../engine/operations/uploads.ts';
import type { BuiltProject, BuiltTask } from '../project/build-project.ts';

/** A built project, to be sent to a server. */
export interface PackedDeployment {
  readonly manifest: Manifest;
  /** Each once. */
  readonly parts: readonly PartToSend[];
}

export type PartToSend = {
  readonly hash: string;
  /** For people: `pg@8.16.0`. */
  readonly name: string;
  /** Before it is compressed. */
  readonly bytes: number;
  /** Hands its pieces over, in order. */
  readonly pack: (keep: (piece: Buffer) => Promise<void>) => Promise<CompletedPart>;
};

/** What says that a part is complete. */
export type CompletedPart =
  | { readonly kind: 'bundle'; readonly body: SentBundle }
  | { readonly kind: 'content'; readonly body: SentContent };

const compress = promisify(zstdCompress);

export function packDeployment(built: BuiltProject, environment: string): PackedDeployment {
  const { tasks, packages, files, config } = built;
  const contents = [...packages.folders, ...(files === null ? [] : [files])];
  const parts = [...tasks.map(bundleToSend), ...contents.map(contentToSend)];
  return {
    manifest: {
      tasks: tasks.map(({ name, file, hash, format, external, spawnNeed, config: own, ...bundle }) => ({
        name,
        file,
        bundle: { hash, format, bytes: bytesOf(bundle) },
        config: limitsOf(own),
        external,
        spawnNeed,
      })),
      packages: {
        tree: packages.tree,
        projectPath: packages.projectPath,
        contents: packages.folders.map(summary),
      },
      files: files === null ? null : summary(files),
      config: {
        ...(config.defaults === undefined ? {} : { defaults: config.defaults }),
        variables: config.environments?.[environment]?.variables ?? {},
        queues: config.queues ?? {},
        retention: config.retention ?? {},
      },
      extension: built.extension,
    },
    parts: [...new Map(parts.map((part) => [part.hash, part])).values()],
  };
}

function limitsOf({ timeoutMs, memoryMb, maxAttempts, workerStart }: BuiltTask['config']) {
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(memoryMb === undefined ? {} : { memoryMb }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(workerStart === undefined ? {} : { workerStart }),
  };
}

function summary(folder: FolderToKeep) {
  return { hash: folder.hash, name: folder.name, bytes: sizeOf(folder), count: folder.files.length };
}

function sizeOf({ files }: FolderToKeep): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function bundleToSend({ name, hash, format, ...bundle }: BuiltTask): PartToSend {
  return {
    hash,
    name: `the code of ${name}`,
    bytes: bytesOf(bundle),
    pack: async (keep) => {
      const { code, sourceMap } = await readBundleText({ hash, format, ...bundle });
      const [codeBytes, sourceMapBytes] = [Buffer.byteLength(code), Buffer.byteLength(sourceMap)];
      const stream = await compress(Buffer.from(code + sourceMap), {
        params: { [constants.ZSTD_c_compressionLevel]: 3 },
      });
      for (let at = 0; at < stream.length; at += maxPieceBytes) await keep(stream.subarray(at, at + maxPieceBytes));
      return { kind: 'bundle', body: { hash, format, codeBytes, sourceMapBytes } };
    },
  };
}

function contentToSend(folder: FolderToKeep): PartToSend {
  const { hash, name, files } = folder;
  return {
    hash,
    name,
    bytes: sizeOf(folder),
    pack: async (keep) => {
      await packContent(folder, async (piece) => {
        // The last of many small files may make a piece larger than it has to be.
        for (let at = 0; at < piece.length; at += maxPieceBytes) await keep(piece.subarray(at, at + maxPieceBytes));
      });
      return { kind: 'content', body: { hash, name, files: [...files] } };
    },
  };
}
