import { isBuiltin } from 'node:module';
import { spawnModuleOf } from '../spawn-need.ts';
import { packageNameOf } from './package-place.ts';

const literal = /\b(?:(?:require(?:\s*\.\s*resolve)?|import)\s*\(\s*|from\s*|import\s*)(["'`])([^"'`\s\\$]{1,300})\1/g;
/** No literal is longer. */
const overlap = 400;
const source = /\.[cm]?[jt]sx?$/;
const declaration = /\.d\.[cm]?ts$/;

/** Collects the packages, and the modules of Node that only a spawned worker has, that a file's text names literally: `require('x')`, `require.resolve('x')`, `import('x')`, `import … from 'x'`, `export … from 'x'`. */
export interface NameReader {
  read(piece: Buffer): void;
}

/** @returns null for a file that is no source */
export function nameReader(path: string, names: Set<string>): NameReader | null {
  if (!source.test(path) || declaration.test(path)) return null;
  let before = '';
  return {
    read(piece) {
      const text = before + piece.toString('latin1');
      for (const { 2: specifier = '', index } of text.matchAll(literal)) {
        if (names.has(specifier) || isInComment(text, index)) continue;
        const name = isBuiltin(specifier) ? spawnModuleOf(specifier) : packageNameOf(specifier);
        if (name !== null) names.add(name);
      }
      before = text.slice(-overlap);
    },
  };
}

/** As examples in comments have it: at the beginning of the line stands `*` or `//`. */
function isInComment(text: string, index: number): boolean {
  const line = text.slice(Math.max(text.lastIndexOf('\n', index) + 1, index - overlap), index);
  return /^\s*(?:\*|\/\/|\/\*)/.test(line);
}
