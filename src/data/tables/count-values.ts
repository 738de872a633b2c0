import type { Session } from '../../engine/store/open-session.ts';
import { sqlState } from '../../engine/store/store-error.ts';

/** How long a deployment counts in one table what it only tells of. */
const patienceMs = 5_000;
const gaveUp = new Set(['57014', '55P03']);

/** The `count` of a statement; null when that takes too long: nobody waits for it. */
export async function countWithin(session: Session, text: string): Promise<number | null> {
  return (await rowsWithin<{ count: number }>(session, { text }))?.[0]?.count ?? null;
}

/** What a statement gives; null when that takes too long. */
export async function rowsWithin<Row extends object>(
  session: Session,
  { text, values = [] }: { readonly text: string; readonly values?: readonly unknown[] },
): Promise<readonly Row[] | null> {
  await setLimits(session, patienceMs);
  try {
    return await session.query<Row>({ name: '', text, values });
  } catch (error) {
    const state = sqlState(error) ?? (error instanceof Error ? sqlState(error.cause) : null);
    if (gaveUp.has(state ?? '')) return null;
    throw error;
  } finally {
    await setLimits(session, 0);
  }
}

async function setLimits(session: Session, ms: number): Promise<void> {
  await session.query({
    name: 'count_limits',
    text: "select set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false)",
    values: [`${ms}ms`],
  });
}

/** `1 value is`, `100,006 values are`; of more than were counted, `more than 100 values are`, and of those that took too long to count, `values (too many to count) are`. */
export function counted(count: number | null, what: string, isMore = false): string {
  if (count === null) return `${what}s (too many to count) are`;
  return `${isMore ? 'more than ' : ''}${count.toLocaleString('en-US')} ${what}${count === 1 ? ' is' : 's are'}`;
}
