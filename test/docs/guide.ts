import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** What a page of the documentation tells its reader to write and to type. */
export interface Guide {
  /** Blocks with a path after the language: files of a project. */
  readonly files: ReadonlyMap<string, string>;
  /** The `ts` blocks without a path: what stands in a task's `run`, and a name for that task. */
  readonly fragments: readonly { readonly task: string; readonly body: string }[];
  /** The lines of the `sh` blocks that begin with `npx cloudcode`, as arguments. Those that serve, and `init`, have tests of their own. */
  readonly commands: readonly (readonly string[])[];
}

export function readGuide(page: string): Guide {
  const files = new Map<string, string>();
  const fragments: { task: string; body: string }[] = [];
  const commands: (readonly string[])[] = [];
  for (const [, info = '', body = ''] of readFileSync(join(packageRoot, page), 'utf8').matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)) {
    const [language, path] = info.split(' ');
    if (path !== undefined) files.set(path, body);
    else if (language === 'ts') fragments.push({ task: `fragment-${fragments.length + 1}`, body });
    else if (language === 'sh') commands.push(...body.split('\n').flatMap(readCommand));
  }
  return { files, fragments, commands };
}

function readCommand(line: string): (readonly string[])[] {
  const words = line.replace(/(?<!\s)\s+#.*$/, '').match(/'[^']*'|\S+/g) ?? [];
  const [npx, cloudcode, ...args] = words.map((word) => word.replace(/^'(.*)'$/, '$1'));
  if (npx !== 'npx' || cloudcode !== 'cloudcode' || ['init', 'dev', 'start'].includes(args[0] ?? '')) return [];
  return [args];
}

/** Writes the guide's files, and a task for each fragment; a page without either gets a task, to be a project. */
export function writeGuideProject({ files, fragments }: Guide, folder: string): void {
  for (const [path, body] of files) write(join(folder, path), body);
  const parts = files.size + fragments.length === 0 ? [{ task: 'nothing', body: '' }] : fragments;
  for (const { task, body } of parts) write(join(folder, 'cloudcode', task, 'index.ts'), `export async function run() {\n${body}}\n`);
}

function write(path: string, body: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, body);
}
