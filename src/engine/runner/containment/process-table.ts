import { statSync } from 'node:fs';
import { pid as ownPid } from 'node:process';
import { HiddenProcess, isAlive, listPids, readEnviron, readStat } from './proc-files.ts';
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
  /** False when a process could not be told: it ended, or was just being started, whenever it was looked at. It may have started another behind our back. Only a clear scan proves that there is nothing else. */
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

interface Stranger {
  readonly inode: number;
  readonly session: number;
}

const startingUpMs = 20;
/** So often, and for so long, a scan looks again at what it could not tell, before it says so. */
const maxRounds = 20;
const maxRoundsMs = 10;
/** The kernel gives no id to another process so soon: first it goes through all the others. */
const idIsSameMs = 1_000;

/**
 * Finds the processes of our workers by reading `/proc` (Linux). What was found out about a process is kept: that it is none of ours, which makes a scan
 * cheap (one `stat` for each process, no file read), and whose it is, so that one that was seen once cannot hide later by clearing its environment, leaving its parent, or
 * hiding from `/proc`.
 *
 * A process whose environment may not be read (of another user, say) is ours by its parent, session or group, or not at all: else every daemon of the machine could be.
 *
 * The inode number of `/proc/<pid>` tells a process from a later one with the same id: the kernel numbers these inodes by a counter when it makes them. When it drops
 * and remakes one under memory pressure, the process is merely looked at again.
 */
export class ProcessTable {
  readonly #rules: TableRules;
  readonly #owned = new Map<number, Candidate>();
  readonly #strangers = new Map<number, Stranger>();
  /** By id: the inodes of zombies of whom nobody knows whose they were. */
  readonly #zombies = new Map<number, number>();
  readonly #emptySince = new Map<number, number>();
  #own: ReadonlySet<number> | null = null;
  #listed: ReadonlySet<number> = new Set();
  #listedAt = -Infinity;
  /** Those that were listed in the last scan as well, which was so short ago that their ids are theirs still. */
  #stayed: ReadonlySet<number> = new Set();
  /** Those of whom nobody knows whose they are: in the last round of looking. */
  #untold = new Set<number>();

  constructor(rules: TableRules) {
    this.#rules = rules;
  }

  /**
   * One that could not be told may have started another: that is listed anew then, so only what is new has to be looked at again. The scan is clear when nothing of a list was left untold.
   *
   * @throws when nothing can be read, as when no file can be opened
   */
  scan(roots: Roots): Scan {
    const pids = listPids();
    const listed = new Set(pids);
    const now = performance.now();
    this.#stayed = now - this.#listedAt < idIsSameMs ? this.#listed : new Set();
    this.#listed = listed;
    this.#listedAt = now;
    if (this.#strangers.size + this.#zombies.size > 2 * pids.length + 100) this.#forgetAllBut(listed);
    const candidates = new Map<number, Candidate>();
    for (const last of this.#owned.values()) {
      const candidate = listed.has(last.pid) ? null : this.#lookForUnlisted(last);
      if (candidate !== null) candidates.set(last.pid, candidate);
    }
    // What is new may be gone soon.
    const isNew = (pid: number): boolean => !this.#strangers.has(pid);
    this.#tell([...pids.filter(isNew), ...pids.filter((each) => !isNew(each))], candidates, roots);
    for (let round = 1; this.#untold.size > 0 && round < maxRounds; round += 1) {
      if (performance.now() - now > maxRoundsMs) break;
      const again = listPids().filter((pid) => !listed.has(pid) || this.#untold.has(pid));
      for (const pid of again) listed.add(pid);
      this.#tell(again, candidates, roots);
    }
    return {
      processes: [...candidates.values()].flatMap((candidate) => this.#remember(candidate)),
      isClear: this.#untold.size === 0,
    };
  }

  /** Looks at these, and adds those to the candidates that may be ours. */
  #tell(pids: readonly number[], candidates: Map<number, Candidate>, roots: Roots): void {
    this.#untold = new Set();
    for (const pid of pids) {
      const candidate = this.#look(pid, roots.get(pid));
      if (candidate !== null) candidates.set(pid, candidate);
    }
    const all = [...candidates.values()];
    const isLost = (leader: number): boolean =>
      (!this.#listed.has(leader) || this.#zombies.has(leader)) && !this.#ownGroups().has(leader);
    inheritOwners(all, roots, isLost);
    for (const pid of pids) {
      const candidate = candidates.get(pid);
      if (candidate?.owner === null) this.#askEnvironment(candidate);
    }
    inheritOwners(all, roots, isLost);
  }

  /** Null: not ours, or not to be told. */
  #look(pid: number, root: Root | undefined): Candidate | null {
    if (pid === ownPid) return null;
    const inode = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.ino;
    if (
      inode !== undefined &&
      root === undefined &&
      (this.#strangers.get(pid)?.inode === inode || this.#zombies.get(pid) === inode)
    )
      return null;
    const last = this.#owned.get(pid);
    const known = last?.inode === inode ? last : undefined;
    const stat = inode === undefined ? null : this.#statOf(pid);
    if (stat === 'hidden' && known !== undefined) return known;
    if (inode === undefined || stat === null || stat === 'hidden') {
      // One that hides can never be told: it is taken for a stranger from the next scan on.
      if (inode !== undefined && stat === 'hidden') this.#strangers.set(pid, { inode, session: 0 });
      const wasStranger = inode === undefined && this.#stayed.has(pid) && this.#strangers.has(pid);
      if (!wasStranger) this.#untold.add(pid);
      return null;
    }
    if (stat.isKernelThread || stat.startTicks < this.#rules.sinceTicks) {
      this.#strangers.set(pid, { inode, session: stat.session });
      return null;
    }
    // A forked worker may have been seen before it was a root: then it seemed to be of the process that it was forked from.
    if (root?.startTicks === stat.startTicks) return { ...stat, inode, owner: root.owner };
    return { ...stat, inode, owner: known?.owner ?? null };
  }

  /** One of ours that `/proc` no longer lists: it is gone, or hides. */
  #lookForUnlisted(last: Candidate): Candidate | null {
    const stat = isAlive(last) ? this.#statOf(last.pid) : null;
    if (stat === 'hidden') return last;
    if (isAlive(stat) && stat.startTicks === last.startTicks) return { ...last, ...stat };
    this.#owned.delete(last.pid);
    return null;
  }

  #statOf(pid: number): ProcessStat | 'hidden' | null {
    try {
      return readStat(pid);
    } catch (error) {
      if (error instanceof HiddenProcess) return 'hidden';
      throw error;
    }
  }

  #askEnvironment(candidate: Candidate): void {
    const { pid, inode } = candidate;
    const environ = readEnviron(pid);
    if (environ !== null && environ !== '') {
      candidate.owner = this.#rules.ownerOf(environ);
      if (candidate.owner === null) this.#passOver(candidate);
      return;
    }
    if (!isAlive(candidate) || !this.#isStillAlive(pid)) {
      // It may have ended since the ids were listed. From the next scan on it is known to be a zombie.
      this.#zombies.set(pid, inode);
      if (!this.#isAmongStrangers(candidate)) this.#untold.add(pid);
      return;
    }
    // Empty: it was started without any, or the kernel is just replacing its program (execve), which takes well under a millisecond.
    const since = this.#emptySince.get(inode) ?? performance.now();
    this.#emptySince.set(inode, since);
    if (environ === null || performance.now() - since > startingUpMs) this.#passOver(candidate);
    else this.#untold.add(pid);
  }

  /** Our processes share a session with no other: so in that of a stranger there is none of ours. */
  #isAmongStrangers({ session }: Candidate): boolean {
    if (session === 0) return false;
    for (const [pid, stranger] of this.#strangers)
      if (stranger.session === session && this.#listed.has(pid)) return true;
    return false;
  }

  /** What this process is in itself is nobody's. */
  #ownGroups(): ReadonlySet<number> {
    const stat = this.#own === null ? readStat(ownPid) : null;
    return (this.#own ??= new Set([0, stat?.session ?? 0, stat?.pgid ?? 0]));
  }

  #isStillAlive(pid: number): boolean {
    const stat = this.#statOf(pid);
    return stat === 'hidden' || isAlive(stat);
  }

  #passOver({ pid, inode, session }: Candidate): void {
    this.#strangers.set(pid, { inode, session });
    this.#emptySince.delete(inode);
  }

  #remember(candidate: Candidate): OwnedProcess[] {
    const { pid, pgid, owner } = candidate;
    if (owner === null) return [];
    this.#owned.set(pid, candidate);
    this.#strangers.delete(pid);
    this.#zombies.delete(pid);
    return [{ pid, pgid, owner, isAlive: isAlive(candidate) }];
  }

  #forgetAllBut(living: ReadonlySet<number>): void {
    for (const known of [this.#strangers, this.#zombies])
      for (const pid of known.keys()) if (!living.has(pid)) known.delete(pid);
    this.#emptySince.clear();
  }
}

/** Gives each process without an owner that of its parent, session or group, until nothing changes. */
function inheritOwners(candidates: readonly Candidate[], roots: Roots, isLost: (leader: number) => boolean): void {
  const owners = new Map<number, string>();
  for (const [pid, root] of roots) owners.set(pid, root.owner);
  for (const candidate of candidates) {
    const root = roots.get(candidate.pid);
    // Another process has the worker's id now. The kernel gives an id away only when no process, group or session has it any more: nothing is left of that tree.
    if (root !== undefined && root.startTicks !== candidate.startTicks) owners.delete(candidate.pid);
  }
  const own = (candidate: Candidate, owner: string): void => {
    candidate.owner = owner;
    owners.set(candidate.pid, owner);
    // Workers have sessions of their own: so whoever led the session or group of one of ours, and is gone, was ours too.
    for (const leader of [candidate.session, candidate.pgid])
      if (!owners.has(leader) && isLost(leader)) owners.set(leader, owner);
  };
  for (const candidate of candidates) if (candidate.owner !== null) own(candidate, candidate.owner);
  let changed = true;
  while (changed) {
    changed = false;
    for (const candidate of candidates) {
      if (candidate.owner !== null) continue;
      const owner =
        owners.get(candidate.pid) ??
        owners.get(candidate.ppid) ??
        owners.get(candidate.session) ??
        owners.get(candidate.pgid);
      if (owner === undefined) continue;
      own(candidate, owner);
      changed = true;
    }
  }
}
