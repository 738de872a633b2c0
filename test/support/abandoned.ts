import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';

/** What is in a folder by the name `<prefix><pid>-…` of a process that is gone: it was killed, as by a time limit, and could not remove it. */
export function abandonedIn(folder: string, prefix: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && isGone(Number(name.slice(prefix.length).split('-')[0])))
    .map((name) => join(folder, name));
}

function isGone(owner: number): boolean {
  if (!(owner > 0)) return false;
  try {
    kill(owner, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
