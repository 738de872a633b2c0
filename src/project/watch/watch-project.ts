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

export interface WatchOptions {
  /** Absolute, with symbolic links resolved. */
  readonly folder: string;
  /** The last build. */
  readonly built: BuildSeen;
  /**
   * Gets the changed files, relative to the folder, once they have been quiet for 80 ms. Calls never overlap: what changes meanwhile is told in the
   * next one, and the signal of the one under way aborts. Returns what its build has read; must not reject.
   */
  readonly onChange: (files: readonly string[], outdated: AbortSignal) => Promise<readonly string[]>;
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
    const now = await lookUntilQuiet();
    if (closed.signal.aborted) return;
    folders.set(now.folders);
    if (changesBetween(folder, known, now).length > 0) {
      outdated?.abort();
      underWay ??= tell(now).finally(() => {
        underWay = null;
        lookIn(0);
      });
    }
    lookIn(Math.max(everyMs, Math.min(maxMs, lookMs * shareOfTime)));
  }

  async function lookUntilQuiet(): Promise<Look> {
    const began = performance.now();
    let now = await lookAtProject(folder, places);
    lookMs = performance.now() - began;
    while (!closed.signal.aborted && changesBetween(folder, known, now).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, quietMs));
      const next = await lookAtProject(folder, places);
      if (changesBetween(folder, now, next).length === 0) return next;
      now = next;
    }
    return now;
  }

  async function tell(now: Look): Promise<void> {
    const changes = changesBetween(folder, known, now);
    const beganAtMs = Date.now();
    known = now;
    outdated = new AbortController();
    const read = await onChange(changes, outdated.signal);
    await inTurn(async () => {
      places = await placesOf(folder, read);
      known = rebase(folder, places, {
        before: known,
        now: await lookAtProject(folder, places),
        sinceMs: beganAtMs - clockMs,
      });
    });
    outdated = null;
  }

  async function settle(): Promise<void> {
    await look();
    while (underWay !== null) await underWay;
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
