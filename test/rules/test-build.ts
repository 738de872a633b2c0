import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';
import type { Edit } from './rule.ts';

/** The package built from changed sources, in a folder for temporary files. */
export interface TestBuild extends Disposable {
  /** Its `cloudcode`. */
  readonly cli: string;
}

const copied = ['src', 'bin', 'templates', 'build.mjs', 'package.json', 'tsconfig.json'];

/** @throws Error when the text of an edit is not there exactly once, or the build fails */
export async function makeTestBuild(edits: readonly Edit[]): Promise<TestBuild> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-rules-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of copied) cpSync(join(packageRoot, name), join(folder, name), { recursive: true });
    symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
    for (const edit of edits) {
      const path = join(folder, edit.file);
      writeFileSync(path, changeText(readFileSync(path, 'utf8'), edit));
    }
    await promisify(execFile)(process.execPath, ['build.mjs'], { cwd: folder });
    return { cli: join(folder, 'bin/cloudcode.cjs'), [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** @throws Error when the text is not there exactly once: then the table of rules has to follow the code */
export function changeText(text: string, { file, find, replace }: Edit): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} has ${text.split(find).length - 1} times, and not once:\n${find}`);
  return `${before}${replace}${after}`;
}
