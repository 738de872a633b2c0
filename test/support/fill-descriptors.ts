import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { pid } from 'node:process';

const limit = 512;

/** Opens files until this process may have only `left` more (EMFILE). @returns closes them */
export function fillDescriptors(left = 0): () => void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
  const files: number[] = [];
  const close = (): void => {
    for (const file of files.splice(0)) closeSync(file);
  };
  for (let count = 0; count <= limit; count += 1) {
    try {
      files.push(openSync('/dev/null', 'r'));
    } catch {
      for (const file of files.splice(0, left)) closeSync(file);
      return close;
    }
  }
  close();
  throw new Error('the limit was never reached');
}
