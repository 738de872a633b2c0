import type { SourceMap } from 'node:module';
import { dirname } from 'node:path';

interface Bundle {
  readonly path: string;
  readonly sourceMapPath: string;
}

// Taken before the task runs, which may put its own in its place.
const { readFileSync } = process.getBuiltinModule('node:fs');

const ownFolder = dirname(process.argv[1] ?? '');

/** Makes stack traces name the user's own files and lines, without ours. The map is read when the first stack of the bundle is asked for. */
export function mapStacks(bundle: Bundle): void {
  let map: SourceMap | null | undefined;
  let url: string | undefined;
  Error.prepareStackTrace = (error, frames) => {
    const title = titleOf(error);
    if (frames.length === 0) return title;
    const lines = frames.flatMap((frame) => {
      const file = frame.getFileName() ?? '';
      if (dirname(file) === ownFolder) return [];
      if (file !== bundle.path && file !== (url ??= urlOf(bundle.path))) return `    at ${frame.toString()}`;
      map ??= readMap(bundle.sourceMapPath);
      return `    at ${mapFrame(frame, map)}`;
    });
    if (lines.length === 0) return title;
    return `${title}\n${lines.join('\n')}`;
  };
}

/** What V8 calls the file of an ES module. */
function urlOf(path: string): string {
  return process.getBuiltinModule('node:url').pathToFileURL(path).href;
}

function titleOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}

function mapFrame(frame: NodeJS.CallSite, map: SourceMap | null): string {
  const text = frame.toString();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (map === null || line === null || column === null) return text;
  const entry = map.findEntry(line - 1, column - 1);
  if (!('originalSource' in entry)) return text;
  const place = `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  const at = text.lastIndexOf('(');
  return at === -1 ? place : `${text.slice(0, at)}(${place})`;
}

function readMap(path: string): SourceMap | null {
  try {
    // Loaded here and not at the start: only errors need it.
    const module = process.getBuiltinModule('node:module');
    return new module.SourceMap(JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    return null;
  }
}
