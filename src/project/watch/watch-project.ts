import { setTimeout as wait } from 'node:timers/promises';
import { changesBetween, type Look, lookAtProject, nothingSeen, rebase } from './look-at-project.ts';
import { type BuildSeen, clockMs } from './remember-project.ts';
import { watchFolders } from './watch-folders.ts';
import { placesOf } from './watched-places.ts';

export interface ProjectWatch {
  /** Looks now, and resolves when what has changed until then was told and `onChange` has settled. */
  settle(): Promise<void>;
  /** Aborts an `onChange` that is under way. Resolves when nothing is watched any more and it has come to its end. */
  close(): Promise<void>;
}

export interface Change {
  /** Aborts when something else has changed since. */
  readonly outdated: AbortSignal;
  /** Resolves once nothing has changed for 80 ms, or the change is outdated: what was built before that may be of half a file. */
  readonly quiet: Promise<unknown>;
}

export interface WatchOptions {
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** The last build. */
  readonly built: BuildSeen;
  /**
   * Gets the changed files, relative to the folder, as soon as they are seen: a build can begin while an editor may still be writing. Calls never overlap: what
   * changes meanwhile is told in the next one, and the signal of the one under way aborts. Returns what its build has read; must not reject.
   */
  readonly onChange: (files: readonly string[], change: Change) => Promise<readonly string[]>;
  /** The system does not tell of changes: they are looked for every `everyMs` from now on. */
  readonly onBlind: (error: NodeJS.ErrnoException, everyMs: number) => void;
}

const quietMs = 80;
/** A look now and then finds what the system did not tell: changes in packages, on network drives, after a folder was replaced. */
const seldomMs = 2000;
const blindMs = 500;
/** A look that takes long is taken the more seldom: it has a tenth of the time, but is never this far from the next. */
const shareOfTime = 10;
const maxMs = 5000;

/** Watches all that a project's build depends on: `cloudcode/`, what a project has in its folder by name, and the files that the last build read, wherever they lie. */
export async function watchProject({ folder, built, onChange, onBlind }: WatchOptions): Promise<ProjectWatch> {
  const closed = new AbortController();
  let everyMs = seldomMs;
  let places = await placesOf(folder, built.read);
  const first = await lookAtProject(folder, places);
  let known: Look = rebase(folder, places, { before: nothingSeen, now: first, sinceMs: built.beganAtMs - clockMs });
  let lookMs = 0;
  let outdated: AbortController | null = null;
  let underWay: Promise<void> | null = null;
  /** Something went on changing when the last change was met: the next one waits until it is quiet, as when a branch is checked out. */
  let isRestless = false;
  /** The last call was for nothing: what it was told of is not met yet. */
  let isOvertaken = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  const folders = watchFolders(
    () => lookIn(0),
    (error) => {
      everyMs = blindMs;
      onBlind(error, everyMs);
    },
  );
  let dueAt = Number.POSITIVE_INFINITY;
  /** Unless a look is due before. */
  const lookIn = (ms: number): void => {
    if (closed.signal.aborted || performance.now() + ms >= dueAt) return;
    clearTimeout(timer);
    dueAt = performance.now() + ms;
    timer = setTimeout(() => void look(), ms);
  };
  /** Looks and what they are compared with take turns. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    // A look that fails, as without a free file descriptor, is taken again later.
    turn = turn.then(work).catch(() => lookIn(everyMs));
    return turn;
  };
  const look = (): Promise<void> => {
    dueAt = Number.POSITIVE_INFINITY;
    clearTimeout(timer);
    return inTurn(findChanges);
  };

  async function findChanges(): Promise<void> {
    const began = performance.now();
    const now = await lookAtProject(folder, places);
    lookMs = performance.now() - began;
    if (closed.signal.aborted) return;
    folders.set(now.folders);
    if (changesBetween(folder, known, now).length > 0) await meetChange(now);
    lookIn(Math.max(everyMs, Math.min(maxMs, lookMs * shareOfTime)));
  }

  async function meetChange(now: Look): Promise<void> {
    outdated?.abort();
    // It is met after the one under way.
    if (underWay !== null) return;
    const quiet = Promise.withResolvers<undefined>();
    const isEarly = !isRestless && (await lastsATick(now));
    if (isEarly) begin(now, quiet.promise);
    const last = await lookUntilQuiet(now).finally(() => quiet.resolve(undefined));
    if (!isEarly && !closed.signal.aborted) begin(last, quiet.promise);
    isRestless = isEarly && last !== now;
  }

  /** What has just been written may be written again and look the same: what is built from it could not be kept. */
  async function lastsATick(now: Look): Promise<boolean> {
    const youngest = [...now.changedAtMs.values()].reduce((latest, one) => Math.max(latest, one), 0);
    const leftMs = Math.min(clockMs, youngest + clockMs - Date.now());
    if (leftMs < 0) return true;
    await wait(leftMs + 1);
    return changesBetween(folder, now, await lookAtProject(folder, places)).length === 0;
  }

  function begin(now: Look, quiet: Promise<unknown>): void {
    underWay = tell(now, quiet).finally(() => {
      underWay = null;
      lookIn(0);
    });
  }

  /** @returns the look itself, unless something has changed since it */
  async function lookUntilQuiet(first: Look): Promise<Look> {
    for (let now = first; ;) {
      await wait(quietMs, undefined, { signal: closed.signal }).catch(() => undefined);
      if (closed.signal.aborted) return now;
      const next = await lookAtProject(folder, places);
      if (changesBetween(folder, now, next).length === 0) return now;
      outdated?.abort();
      now = next;
    }
  }

  async function tell(now: Look, quiet: Promise<unknown>): Promise<void> {
    const changes = changesBetween(folder, known, now);
    const beganAtMs = Date.now();
    known = now;
    outdated = new AbortController();
    const read = await onChange(changes, { outdated: outdated.signal, quiet });
    await inTurn(async () => {
      places = await placesOf(folder, read);
      known = rebase(folder, places, {
        before: known,
        now: await lookAtProject(folder, places),
        sinceMs: beganAtMs - clockMs,
      });
    });
    isOvertaken = outdated.signal.aborted;
    outdated = null;
  }

  async function settle(): Promise<void> {
    do {
      await look();
      while (underWay !== null) await underWay;
    } while (isOvertaken && !closed.signal.aborted);
  }

  folders.set(known.folders);
  lookIn(0);
  return {
    settle,
    async close() {
      closed.abort();
      clearTimeout(timer);
      outdated?.abort();
      folders.close();
      await turn;
      await underWay;
    },
  };
}
