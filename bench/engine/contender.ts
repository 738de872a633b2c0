/** A job queue with its store, as the benchmark uses it: for jobs that do nothing. */
export interface Contender extends AsyncDisposable {
  readonly name: string;
  /** Deletes all jobs. */
  clear(): Promise<unknown>;
  /** See Database.settle. */
  settle(): Promise<void>;
  scheduleOne(queue: string | null): Promise<unknown>;
  /** Schedules one job for each entry, in one call: in the named queue, whose jobs are done one at a time and in order, or in none. */
  scheduleMany(queues: readonly (string | null)[]): Promise<unknown>;
  /**
   * Does jobs as fast as it can until `count` are done; one that would take longer than `withinMs` is stopped then.
   * @returns when each was done (ms, any origin)
   */
  drain(count: number, withinMs: number): Promise<readonly number[]>;
}

/** Schedules by calls of up to 1,000. */
export async function scheduleAll(contender: Contender, queues: readonly (string | null)[]): Promise<void> {
  for (let first = 0; first < queues.length; first += 1000)
    await contender.scheduleMany(queues.slice(first, first + 1000));
}
