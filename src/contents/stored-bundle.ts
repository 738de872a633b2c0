import { statSync, utimesSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { CloudCodeError } from '../engine/core/errors.ts';
import { bundleHash } from './bundle-hash.ts';
import { writeWhole } from './write-whole.ts';

/** A bundle as it was built. */
interface Bundle {
  readonly code: string;
  readonly sourceMap: string;
  readonly format: 'cjs' | 'esm';
}

/** What a bundle says: at hand, or in a file, so that nobody holds it who does not need it. */
export type BundleText =
  | Pick<Bundle, 'code' | 'sourceMap'>
  | {
      /** Absolute. */
      readonly path: string;
      /** Of the code and the source map. */
      readonly bytes: number;
    };

/** A bundle that `readBundleText` can read. */
export type StoredBundle = Pick<Bundle, 'format'> & { readonly hash: string } & BundleText;

export interface BundleStore {
  put(bundle: Bundle): Promise<StoredBundle>;
  /** Forgets the others, but for those that somebody who builds at the same time may be about to read. */
  keepOnly(bundles: Iterable<StoredBundle>): Promise<void>;
}

/** Longer than it takes to store a deployment that was just built. */
const unusedMs = 600_000;
const ending = '.bundle';

/** @param place a folder, which need not be there. Null, or one that cannot be written: bundles are held in memory */
export function bundleStore(place: string | null): BundleStore {
  return {
    async put(bundle) {
      const { code, sourceMap, format } = bundle;
      const hash = bundleHash(bundle);
      if (place === null) return { format, hash, code, sourceMap };
      const stored = {
        format,
        hash,
        path: join(place, `${hash}${ending}`),
        bytes: Buffer.byteLength(code) + Buffer.byteLength(sourceMap),
      };
      if (isStored(stored)) return stored;
      try {
        await writeWhole(stored.path, serialize([code, sourceMap]));
        return stored;
      } catch {
        return { format, hash, code, sourceMap };
      }
    },
    async keepOnly(bundles) {
      if (place === null) return;
      const used = new Set([...bundles].map(({ hash }) => `${hash}${ending}`));
      for (const name of await readdir(place).catch(() => [])) {
        if (used.has(name)) continue;
        const found = await stat(join(place, name)).catch(() => null);
        if (found !== null && Date.now() - found.mtimeMs > unusedMs)
          await rm(join(place, name), { force: true }).catch(() => undefined);
      }
    },
  };
}

/** Whether it can be read, for as long as whoever has it needs it: it counts as used from now on. */
export function isStored(bundle: StoredBundle): boolean {
  if (!('path' in bundle)) return true;
  try {
    const now = Date.now();
    if (now - statSync(bundle.path).mtimeMs > unusedMs / 10) utimesSync(bundle.path, now / 1000, now / 1000);
    return true;
  } catch {
    return false;
  }
}

/** @throws CloudCodeError `build_failed` when its file is gone or damaged: the next build makes it anew */
export async function readBundleText(bundle: StoredBundle): Promise<Pick<Bundle, 'code' | 'sourceMap'>> {
  if (!('path' in bundle)) return bundle;
  const { path, hash, format } = bundle;
  let cause: unknown;
  try {
    const [code, sourceMap] = deserialize(await readFile(path)) as [string, string];
    if (bundleHash({ code, sourceMap, format }) === hash) return { code, sourceMap };
  } catch (error) {
    cause = error;
  }
  await rm(path, { force: true }).catch(() => undefined);
  throw new CloudCodeError('build_failed', `${path}, which was just built, is gone or damaged.`, {
    hint: 'Deploy again: it is built anew.',
    cause,
  });
}

export function bytesOf(text: BundleText): number {
  return 'path' in text ? text.bytes : Buffer.byteLength(text.code) + Buffer.byteLength(text.sourceMap);
}
