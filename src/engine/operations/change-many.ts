import { counted } from '../core/counted.ts';
import { CloudCodeError, type ErrorCode } from '../core/errors.ts';
import type { RunState } from '../core/run.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { readRunIds } from '../store/read-run-ids.ts';
import type { RunFilter } from '../store/run-filter.ts';
import { cancel } from './cancel-run.ts';
import { findEnvironment, refuseToChange } from './environments.ts';
import type { OnProgress } from './extension.ts';
import { listFinishedRunsIfMany } from './list-finished-runs.ts';
import { checkFilter, type RunListFilter } from './list-runs.ts';
import { retry } from './retry-run.ts';
import { severalAtOnce } from './several-at-once.ts';

export type Change = 'retry' | 'cancel';

/** In which a run can be changed so. */
const statesOf: Readonly<Record<Change, readonly RunState[]>> = {
  retry: ['failed', 'dead', 'cancelled'],
  cancel: ['scheduled', 'queued', 'running'],
};

/** What a run was refused for that others were changed with. */
export interface RefusedRun {
  readonly id: string;
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface ManyChanged {
  /** How many there were when it began. */
  readonly matched: number;
  readonly changed: number;
  /** How many were refused: somebody else has changed them meanwhile, or their key is taken. */
  readonly refused: number;
  /** The first ten of those. */
  readonly problems: readonly RefusedRun[];
}

export interface ChangingMany {
  readonly change: Change;
  readonly filter: Omit<RunListFilter, 'search' | 'limit' | 'cursor'>;
  /** Count them, and change nothing. */
  readonly dryRun: boolean;
  /** Ends it; asked again, it goes on with those that are left. */
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

const countedAtOnce = 10_000;
const changedAtOnce = 500;
/** As many as there are connections to spare. */
const parallelism = 4;
const toldProblems = 10;
const tellEveryMs = 500;

/**
 * Retries or cancels every run to which a filter applies and that can be changed so; runs that are scheduled after it has begun are not touched.
 * @throws CloudCodeError `invalid_filter`, also for a state in which no run can be changed so; `environment_not_found`, `environment_deleting`
 */
export async function changeMany(store: Store, environment: string, changing: ChangingMany): Promise<ManyChanged> {
  const { change, dryRun, signal, onProgress } = changing;
  await refuseToChange(store, environment);
  const found = await findChangeable(store, environment, changing);
  const matched = found.reduce((sum, { count }) => sum + count, 0);
  const problems: RefusedRun[] = [];
  let changed = 0;
  let refused = 0;
  if (dryRun) return { matched, changed, refused, problems };
  let tellAt = 0;
  const one = async (id: string): Promise<void> => {
    if (signal.aborted) return;
    try {
      await (change === 'retry' ? retry(store, environment, id) : cancel(store, environment, id));
      changed += 1;
    } catch (error) {
      if (!(error instanceof CloudCodeError) || error.code === 'database_unreachable') throw error;
      refused += 1;
      if (problems.length < toldProblems) problems.push({ id, code: error.code, detail: error.message });
    }
    if (performance.now() < tellAt) return;
    tellAt = performance.now() + tellEveryMs;
    onProgress(`${verbs[change]} ${changed} of ${counted(matched, 'run')}`);
  };
  for (const { filter, environmentId } of found) {
    for await (const ids of pagesOf(store, environmentId, { filter, limit: changedAtOnce })) {
      if (signal.aborted) break;
      await severalAtOnce(ids, parallelism, one);
    }
  }
  return { matched, changed, refused, problems };
}

const verbs: Readonly<Record<Change, string>> = { retry: 'retried', cancel: 'cancelled' };

/** @returns the filter, checked @throws CloudCodeError `invalid_filter`, also for a state in which no run can be changed so */
export function refuseOtherStates(change: Change, filter: ChangingMany['filter']): RunFilter {
  const checked = checkFilter(filter);
  if (checked.state === null || statesOf[change].includes(checked.state)) return checked;
  throw new CloudCodeError(
    'invalid_filter',
    `Runs that are ${checked.state} cannot be ${verbs[change]}: only those that are ${statesOf[change].join(', ')}.`,
  );
}

interface Found {
  readonly environmentId: number;
  /** Of one state, and of runs that were there when it was counted. */
  readonly filter: RunFilter;
  readonly count: number;
}

/** Counted first, so that whoever waits knows how many there are. */
async function findChangeable(
  store: Store,
  environment: string,
  { change, filter, onProgress, signal }: ChangingMany,
): Promise<readonly Found[]> {
  const checked = refuseOtherStates(change, filter);
  const states = statesOf[change].filter((state) => checked.state === null || checked.state === state);
  const environmentId = await findEnvironment(store, environment);
  await listFinishedRunsIfMany(store, environmentId);
  const found: Found[] = [];
  let total = 0;
  for (const state of states) {
    let count = 0;
    let first: string | null = null;
    for await (const page of rowsOf(store, environmentId, { filter: { ...checked, state }, limit: countedAtOnce })) {
      first ??= page[0]?.seq ?? null;
      count += page.length;
      onProgress(`counting: ${total + count}`);
      if (signal.aborted) break;
    }
    total += count;
    if (first === null) continue;
    // What comes later than the newest of them is left alone.
    const beforeSeq = String(BigInt(first) + 1n);
    found.push({ environmentId, filter: { ...checked, state, beforeSeq }, count });
  }
  return found;
}

interface Paging {
  readonly filter: RunFilter;
  readonly limit: number;
}

async function* rowsOf(
  db: Queryable,
  environmentId: number,
  { filter, limit }: Paging,
): AsyncGenerator<Awaited<ReturnType<typeof readRunIds>>, void> {
  for (let { beforeSeq } = filter; ;) {
    const rows = await readRunIds(db, environmentId, { ...filter, beforeSeq, limit });
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (rows.length < limit || last === undefined) return;
    beforeSeq = last.seq;
  }
}

async function* pagesOf(db: Queryable, environmentId: number, paging: Paging): AsyncGenerator<readonly string[], void> {
  for await (const rows of rowsOf(db, environmentId, paging)) yield rows.map(({ id }) => id);
}
