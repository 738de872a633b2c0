import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** What a page of the documentation tells its reader to write and to type. */
export interface Guide {
  /** Blocks with a path after the language: files of a project. */
  readonly files: ReadonlyMap<string, string>;
  /** The `ts` blocks without a path: parts of a task's `run`. */
  readonly fragments: readonly string[];
  /** The lines of the `sh` blocks that begin with `npx cloudcode`, as arguments. Those that serve, and `init`, have tests of their own. */
  readonly commands: readonly (readonly string[])[];
}

export function readGuide(page: string): Guide {
  const files = new Map<string, string>();
  const fragments: string[] = [];
  const commands: (readonly string[])[] = [];
  for (const [, info = '', body = ''] of readFileSync(join(packageRoot, page), 'utf8').matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)) {
    const [language, path] = info.split(' ');
    if (path !== undefined) files.set(path, body);
    else if (language === 'ts') fragments.push(body);
    else if (language === 'sh') commands.push(...body.split('\n').flatMap(readCommand));
  }
  return { files, fragments, commands };
}

function readCommand(line: string): (readonly string[])[] {
  const words = line.replace(/\s+#.*$/, '').match(/'[^']*'|\S+/g) ?? [];
  const [npx, cloudcode, ...args] = words.map((word) => word.replace(/^'(.*)'$/, '$1'));
  if (npx !== 'npx' || cloudcode !== 'cloudcode' || ['init', 'dev', 'start'].includes(args[0] ?? '')) return [];
  return [args];
}

/** Writes the guide's files, and a task `fragment-N` around each fragment. */
export function writeGuideProject(guide: Guide, folder: string): readonly string[] {
  for (const [path, body] of guide.files) write(join(folder, path), body);
  return guide.fragments.map((body, position) => {
    const task = `fragment-${position + 1}`;
    write(join(folder, 'cloudcode', task, 'index.ts'), `export async function run() {\n${body}}\n`);
    return task;
  });
}

function write(path: string, body: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, body);
}
