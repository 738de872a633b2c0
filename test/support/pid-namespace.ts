import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { listPids, readStat } from '../../src/engine/runner/containment/proc-files.ts';

const asRoot = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;
const asUser = [...asRoot, '--user', '--map-root-user'] as const;
type Command = readonly [string, ...string[]];
const works = ([file, ...args]: Command): boolean => spawnSync(file, [...args, 'true']).status === 0;

/** What makes the command behind it process 1 of a pid namespace, as a container does; null where that is not allowed. */
export const asProcess1: Command | null = [asRoot, asUser].find(works) ?? null;
/** For `skip`. */
export const withoutNamespaces: string | false = asProcess1 === null ? 'unshare --pid is not allowed here' : false;

/** The process that `unshare` has made process 1, by its id outside. */
export function process1Of(unsharePid: number): number {
  return Number(readFileSync(`/proc/${unsharePid}/task/${unsharePid}/children`, 'utf8').trim());
}

/** Children that have ended and that nobody has collected. */
export function zombiesOf(pid: number): readonly number[] {
  return listPids().filter((other) => {
    const stat = readStat(other);
    return stat?.ppid === pid && stat.state === 'Z';
  });
}
