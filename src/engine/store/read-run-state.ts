import type { RunState } from '../core/run.ts';
import type { Queryable } from './open-store.ts';

/** A run's state and nothing else: for those who ask often. */
export async function readRunState(db: Queryable, environment: string, runId: string): Promise<RunState | null> {
  const [row] = await db.query<{ state: RunState }>({
    name: 'read_run_state',
    text: 'select state from cloudcode.run_details where id = $1 and environment = $2',
    values: [runId, environment],
  });
  return row?.state ?? null;
}
