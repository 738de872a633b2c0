import { createHash } from 'node:crypto';

/** The name of a bundle: equal for equal content, so that a copy of it can be checked against its name. */
export function bundleHash({ format, code, sourceMap }: { readonly format: 'cjs' | 'esm'; readonly code: string; readonly sourceMap: string }): string {
  return createHash('sha256').update(JSON.stringify([format, code, sourceMap])).digest('hex');
}
