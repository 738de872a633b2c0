import { statSync } from 'node:fs';
import { pid as ownPid } from 'node:process';
import { isAlive, listPids, readEnviron, readStat } from './proc-files.ts';
import type { ProcessStat } from './proc-files.ts';

/** A process that belongs to one of our workers. */
export interface OwnedProcess {
  readonly pid: number;
  readonly pgid: number;
  readonly owner: string;
  readonly isAlive: boolean;
}

export interface Scan {
  readonly processes: readonly OwnedProcess[];
  /** False when a process could not be told: it ended, or was just being started, while it was looked at. It may have started another behind our back. */
  readonly isClear: boolean;
}

export interface TableRules {
  /** Who owns a process with this environment; null: nobody that we care for. */
  ownerOf(environ: string): string | null;
  /** Processes started before this time (in ticks) are not ours, whatever they look like. */
  readonly sinceTicks: number;
}

/** The workers themselves by pid: what descends from one, or is in its session or group, belongs to its owner. */
export type Roots = ReadonlyMap<number, Root>;

interface Root {
  readonly owner: string;
  readonly startTicks: number;
}

interface Candidate extends ProcessStat {
  readonly inode: number;
  owner: string | null;
}

const startingUpMs = 20;

/**
 * Finds the processes of our workers by reading `/proc` (Linux). What was found out about a process is kept: that it is none of ours, which makes a scan
 * cheap (one `stat` for each process, no file read), and whose it is, so that one that was seen once cannot hide later by clearing its environment or leaving its parent.
 *
 * The inode number of `/proc/<pid>` tells a process from a later one with the same id: the kernel numbers these inodes by a counter when it makes them. When it drops
 * and remakes one under memory pressure, the process is merely looked at again.
 */
export class ProcessTable {
  readonly #rules: TableRules;
  readonly #known = new Map<number, { readonly inode: number; readonly owner: string | null }>();
  readonly #emptySince = new Map<number, number>();
  #isClear = true;

  constructor(rules: TableRules) {
    this.#rules = rules;
  }

  scan(roots: Roots): Scan {
    this.#isClear = true;
    const pids = listPids();
    if (this.#known.size > 2 * pids.length + 100) this.#forgetAllBut(new Set(pids));
    const candidates: Candidate[] = [];
    for (const pid of pids) {
      const candidate = this.#look(pid, roots.get(pid));
      if (candidate !== null) candidates.push(candidate);
    }
    inheritOwners(candidates, roots);
    for (const candidate of candidates) if (candidate.owner === null) this.#askEnvironment(candidate);
    inheritOwners(candidates, roots);
    return { processes: candidates.flatMap((candidate) => this.#remember(candidate)), isClear: this.#isClear };
  }

  /** Null: not ours, or not to be told. */
  #look(pid: number, root: Root | undefined): Candidate | null {
    if (pid === ownPid) return null;
    const inode = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.ino;
    const known = this.#known.get(pid);
    if (inode !== undefined && known?.inode === inode && known.owner === null && root === undefined) return null;
    const stat = inode === undefined ? null : readStat(pid);
    if (inode === undefined || stat === null) {
      this.#isClear = false;
      return null;
    }
    if (stat.isKernelThread || stat.startTicks < this.#rules.sinceTicks) {
      this.#known.set(pid, { inode, owner: null });
      return null;
    }
    // A forked worker may have been seen before it was a root: then it seemed to be of the process that it was forked from.
    if (root?.startTicks === stat.startTicks) return { ...stat, inode, owner: root.owner };
    return { ...stat, inode, owner: known?.inode === inode ? known.owner : null };
  }

  #askEnvironment(candidate: Candidate): void {
    const { pid, inode } = candidate;
    const environ = readEnviron(pid);
    if (environ !== null && environ !== '') {
      candidate.owner = this.#rules.ownerOf(environ);
      if (candidate.owner === null) this.#known.set(pid, { inode, owner: null });
      return;
    }
    if (!isAlive(candidate) || !isAlive(readStat(pid))) {
      this.#known.set(pid, { inode, owner: null });
      this.#isClear = false;
      return;
    }
    // Empty: it was started without any, or the kernel is just replacing its program (execve), which takes well under a millisecond.
    const since = this.#emptySince.get(inode) ?? performance.now();
    if (environ === null || performance.now() - since > startingUpMs) {
      this.#known.set(pid, { inode, owner: null });
      this.#emptySince.delete(inode);
      return;
    }
    this.#emptySince.set(inode, since);
    this.#isClear = false;
  }

  #remember(candidate: Candidate): OwnedProcess[] {
    const { pid, pgid, inode, owner } = candidate;
    if (owner === null) return [];
    this.#known.set(pid, { inode, owner });
    return [{ pid, pgid, owner, isAlive: isAlive(candidate) }];
  }

  #forgetAllBut(living: ReadonlySet<number>): void {
    for (const pid of this.#known.keys()) if (!living.has(pid)) this.#known.delete(pid);
    this.#emptySince.clear();
  }
}

/** Gives each process without an owner that of its parent, session or group, until nothing changes. */
function inheritOwners(candidates: readonly Candidate[], roots: Roots): void {
  const owners = new Map<number, string>();
  for (const [pid, root] of roots) owners.set(pid, root.owner);
  for (const candidate of candidates) {
    const root = roots.get(candidate.pid);
    // Another process has the worker's id now. The kernel gives an id away only when no process, group or session has it any more: nothing is left of that tree.
    if (root !== undefined && root.startTicks !== candidate.startTicks) owners.delete(candidate.pid);
  }
  for (const { pid, owner } of candidates) if (owner !== null) owners.set(pid, owner);
  let changed = true;
  while (changed) {
    changed = false;
    for (const candidate of candidates) {
      if (candidate.owner !== null) continue;
      const owner = owners.get(candidate.pid) ?? owners.get(candidate.ppid) ?? owners.get(candidate.session) ?? owners.get(candidate.pgid);
      if (owner === undefined) continue;
      candidate.owner = owner;
      owners.set(candidate.pid, owner);
      changed = true;
    }
  }
}
