import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Metafile } from 'esbuild';
import { codeOf } from '../engine/core/thrown.ts';

/** How Node sees files: by their endings, by the nearest package.json, and where both say nothing by their text. Remembers what it has seen. */
export interface ModuleKinds {
  /** Whether the file is an ES module when Node loads it. */
  isEsm(path: string): Promise<boolean>;
  /** Whether the file says that it is meant as an ES module of Node's, by its ending or by its package.json: a default import is then what Node makes of it. */
  isNodeEsm(path: string): boolean;
}

/** @param formatOf esbuild's word on the text of a file that says nothing itself */
export function moduleKinds(formatOf: (path: string) => Promise<Metafile['inputs'][string]['format']>): ModuleKinds {
  const types = new Map<string, string | null>();
  const typeOf = (folder: string): string | null => {
    const known = types.get(folder);
    if (known !== undefined) return known;
    const parent = dirname(folder);
    const own = typeIn(folder);
    const type =
      own !== undefined ? own : parent === folder || folder.endsWith('/node_modules') ? null : typeOf(parent);
    types.set(folder, type);
    return type;
  };
  const byText = new Map<string, Promise<boolean>>();
  const isNodeEsm = (path: string): boolean =>
    /\.m[jt]s$/.test(path) || (/\.[jt]sx?$/.test(path) && typeOf(dirname(path)) === 'module');
  return {
    isNodeEsm,
    async isEsm(path) {
      if (isNodeEsm(path)) return true;
      if (extname(path) !== '.js' || typeOf(dirname(path)) !== null) return false;
      const found = byText.get(path) ?? mayBeEsm(path).then(async (may) => may && (await formatOf(path)) === 'esm');
      byText.set(path, found);
      return found;
    },
  };
}

/** Undefined without a package.json. */
function typeIn(folder: string): string | null | undefined {
  try {
    const { type } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly type?: unknown };
    return typeof type === 'string' ? type : null;
  } catch (error) {
    return codeOf(error) === null ? null : undefined;
  }
}

async function mayBeEsm(path: string): Promise<boolean> {
  return /^[ \t]*(?:import|export)\b|import\.meta/m.test(readFileSync(path, 'utf8'));
}
