import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { pid } from 'node:process';

const limit = 512;

/** Closes the files that fill a process. */
export interface Filling {
  (): void;
  /** Opens files for what was closed since, by whatever else goes on in the process. @returns how many */
  again(): number;
}

/** Opens files until this process may have only `left` more (EMFILE). */
export function fillDescriptors(left = 0): Filling {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
  const files: number[] = [];
  const close = (): void => {
    for (const file of files.splice(0)) closeSync(file);
  };
  const fill = (): number => {
    const before = files.length;
    for (let count = 0; count <= limit; count += 1) {
      try {
        files.push(openSync('/dev/null', 'r'));
      } catch {
        return files.length - before;
      }
    }
    close();
    throw new Error('the limit was never reached');
  };
  fill();
  for (const file of files.splice(0, left)) closeSync(file);
  return Object.assign(close, { again: fill });
}
