import { type Finished, type FinishedAttempt, finishAttempts } from '../operations/finish-attempt.ts';
import type { Store } from '../store/open-store.ts';
import { isUnreachable } from '../store/store-error.ts';

/** Stores the end of an attempt, together with others that end meanwhile. Rejects when nothing of it was stored. */
export type WriteEnd = (queue: string | null, attempt: FinishedAttempt) => Promise<Finished>;

interface Waiting {
  readonly attempt: FinishedAttempt;
  readonly bytes: number;
  readonly settled: PromiseWithResolvers<Finished>;
}

/** A statement of so many takes some twenty milliseconds, and of more it costs no less each. */
const maxTogether = 500;
const maxBytesTogether = 4 * 2 ** 20;
/** A queue whose lock somebody holds must not hold up the ends of all the others: what is under way for so long is overtaken. */
const overtakeAfterMs = 25;
const maxUnderWay = 4;

/**
 * Ends that come while others are being stored are stored together, in one statement and one write to disk: nobody waits on an idle system, and under load a commit serves
 * many. Runs in queues wait for the locks of their queues, so they do not go with those that are in none.
 * @param onWritten some were stored, or could not be
 */
export function openEndWriter(store: Store, onWritten: () => void = () => undefined): WriteEnd {
  const inQueues = writeTogether(store, onWritten);
  const inNone = writeTogether(store, onWritten);
  return (queue, attempt) => (queue === null ? inNone(attempt) : inQueues(attempt));
}

function writeTogether(store: Store, onWritten: () => void): (attempt: FinishedAttempt) => Promise<Finished> {
  let waiting: Waiting[] = [];
  /** When each statement that is under way began. */
  const underWay = new Set<{ readonly since: number }>();
  let looking: NodeJS.Timeout | null = null;

  const isStuck = ({ since }: { readonly since: number }): boolean => performance.now() - since >= overtakeAfterMs;
  const writeAll = async (): Promise<void> => {
    // Those that are not stuck take all there is: one at a time, so that as many as possible go together.
    while (waiting.length > 0 && underWay.size < maxUnderWay && [...underWay].every(isStuck)) {
      const statement = { since: performance.now() };
      underWay.add(statement);
      await writeSome(store, takeSome());
      onWritten();
      underWay.delete(statement);
    }
    if (waiting.length > 0) lookAgain();
  };
  const lookAgain = (): void => {
    looking ??= setTimeout(() => {
      looking = null;
      void writeAll();
    }, overtakeAfterMs);
  };
  const takeSome = (): readonly Waiting[] => {
    let count = 0;
    for (let bytes = 0; count < Math.min(waiting.length, maxTogether); count += 1) {
      bytes += waiting[count]?.bytes ?? 0;
      if (count > 0 && bytes > maxBytesTogether) break;
    }
    const some = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return some;
  };
  return (attempt) => {
    const settled = Promise.withResolvers<Finished>();
    waiting.push({ attempt, bytes: bytesOf(attempt), settled });
    void writeAll();
    return settled.promise;
  };
}

/** Never rejects: each end is told how it went. One that the database refuses spoils no other: then each is stored by itself. */
async function writeSome(store: Store, some: readonly Waiting[]): Promise<void> {
  try {
    const finished = await finishAttempts(
      store,
      some.map(({ attempt }) => attempt),
    );
    some.forEach(({ settled }, index) => settled.resolve(finished[index] ?? 'superseded'));
  } catch (error) {
    if (some.length > 1 && !isUnreachable(error)) for (const one of some) await writeSome(store, [one]);
    else for (const { settled } of some) settled.reject(error);
  }
}

function bytesOf({ resultJson, error, lines }: FinishedAttempt): number {
  return (
    (resultJson?.length ?? 0) +
    (error?.message.length ?? 0) +
    (error?.stack?.length ?? 0) +
    lines.reduce((sum, { message }) => sum + message.length, 0)
  );
}
