import { posix } from 'node:path';
import { insertFirst } from './insert-first.ts';
import { readBundleText, type StoredBundle } from '../contents/stored-bundle.ts';

/**
 * What stands in the place of a file that a thread or another process runs: its code, and the source map beside it. Stacks there name the sources, as those of a task do; the map is read when
 * the first is asked for.
 * @param place relative to the project's folder
 * @returns by path relative to the project's folder
 */
export async function placedCode(place: string, bundle: StoredBundle): Promise<ReadonlyMap<string, string>> {
  const { code, sourceMap } = await readBundleText(bundle);
  const map = `${posix.basename(place)}.map`;
  const own = bundle.format === 'esm' ? 'import.meta.filename, import.meta.url' : '__filename';
  return new Map([
    [
      place,
      insertFirst(
        code,
        `${mapper
          .split('\n')
          .map((line) => line.trim())
          .join(' ')}(${JSON.stringify(map)}, ${own});`,
      ),
    ],
    [posix.join(posix.dirname(place), map), sourceMap],
  ]);
}

// A process may run several such files, and a task that loads one has a mapper already: each knows its own frames, and leaves the others to the one before it.
const mapper = `;(function (name, ...own) {
  const { readFileSync } = globalThis.process.getBuiltinModule("node:fs"), { join, dirname } = globalThis.process.getBuiltinModule("node:path"), { SourceMap } = globalThis.process.getBuiltinModule("node:module");
  const before = Error.prepareStackTrace;
  let map;
  const read = () => { try { return new SourceMap(JSON.parse(readFileSync(join(dirname(own[0]), name), "utf8"))); } catch { return null; } };
  const placeOf = (frame) => {
    const found = (map === undefined ? (map = read()) : map)?.findEntry(frame.getLineNumber() - 1, frame.getColumnNumber() - 1);
    return found?.originalSource === undefined ? null : found.originalSource + ":" + (found.originalLine + 1) + ":" + (found.originalColumn + 1);
  };
  const mapped = (frame) => {
    const place = own.includes(frame.getFileName()) ? placeOf(frame) : null;
    if (place === null) return frame;
    const text = frame.toString(), at = text.lastIndexOf("(");
    const toString = () => at === -1 ? place : text.slice(0, at) + "(" + place + ")";
    return new Proxy(frame, { get: (target, key) => key === "toString" ? toString : typeof target[key] === "function" ? target[key].bind(target) : target[key] });
  };
  Error.prepareStackTrace = (error, frames) => {
    const all = frames.map(mapped);
    if (before !== undefined) return before(error, all);
    let title = "Error";
    try { title = Error.prototype.toString.call(error); } catch {}
    return [title, ...all.map((frame) => "    at " + frame.toString())].join(String.fromCharCode(10));
  };
})`;
