import type { Model } from './model.ts';
import type { Real } from './real.ts';
import { Difference } from './step.ts';
import type { ModelAttempt } from './state.ts';

/**
 * Where the jitter has put the next attempt: the only thing that a model cannot know. It must lie from the back-off on, and at most a fifth later.
 */
export async function readRetryAt(real: Real, model: Model, attempt: ModelAttempt): Promise<number | null> {
  const { id, name } = model.run(attempt.run);
  const [row] = await real.t.store.query<{ at: number | null }>({
    name: 'test_retry_at',
    text: 'select (extract(epoch from retry_at) * 1000)::double precision as at from cloudcode.runs where id = $1',
    values: [id],
  });
  const at = row?.at ?? null;
  if (at === null) return null;
  const delay = Math.min(1000 * 2 ** (attempt.number - 1), 300_000);
  const waits = at - model.state.now;
  if (waits < delay || waits > delay * 1.2)
    throw new Difference(
      `    ${name} waits ${waits} ms after attempt ${attempt.number}, not ${delay} to ${delay * 1.2} ms`,
    );
  return at;
}
