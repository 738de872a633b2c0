import { SourceMap, type SourceMapPayload } from 'node:module';

/**
 * Where in the user's own sources an error was thrown, as `file:line:column`; null when its stack does not say.
 * @param name what the stack calls the bundle (its `sourceURL`)
 */
export function placeOfError(stack: string, name: string, sourceMap: string): string | null {
  const frame = stack.split('\n').find((line) => line.includes(`${name}:`));
  const [, line, column] = /:(\d+):(\d+)\)?$/.exec(frame ?? '') ?? [];
  if (line === undefined || column === undefined) return null;
  const origin = new SourceMap(JSON.parse(sourceMap) as SourceMapPayload).findOrigin(Number(line), Number(column));
  return 'fileName' in origin ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}` : null;
}
