import { CloudCodeError } from '../core/errors.ts';
import { type Backlog, type EndedSummary, type ListedRun, type RunState, runStates } from '../core/run.ts';
import { suggest } from '../core/suggest.ts';
import type { Queryable } from '../store/open-store.ts';
import { needsLists } from '../store/newest-runs.ts';
import { readBacklog, readEnded, readListedRuns, type ReadRun, readRuns } from '../store/read-runs.ts';
import type { RunFilter } from '../store/run-filter.ts';
import { findEnvironment } from './environments.ts';
import { listFinishedRunsIfMany } from './list-finished-runs.ts';
import { refusePageSize } from './page-size.ts';
import { type RunSearch, searchRuns } from './search-runs.ts';

export interface RunListFilter {
  readonly state?: string | undefined;
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly key?: string | undefined;
  /** The id of the run that scheduled them. */
  readonly scheduledBy?: string | undefined;
  /** The id of the deployment that their last attempt was begun with; of runs that wait, there is none. */
  readonly deployment?: string | undefined;
  /** Scheduled at this time (ISO 8601) or later. */
  readonly since?: string | undefined;
  /** Scheduled before this time (ISO 8601). */
  readonly until?: string | undefined;
  /** Of the error that they have finished with. */
  readonly fingerprint?: string | undefined;
  /** A text in their parameters or errors. */
  readonly search?: string | undefined;
  /** 1 to 200; 50 by default. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface RunPage {
  readonly runs: readonly ListedRun[];
  /** Give it back as `cursor` for the next page; null at the end. */
  readonly nextCursor: string | null;
  /** Of a search: how many of the newest runs of the other filters were looked at, up to the end of this page. */
  readonly searched?: number | undefined;
}

const defaultLimit = 50;
const maxLimit = 200;
const maxSearchLength = 1_000;

/** A page of an environment's runs, newest first, without what is large. @throws CloudCodeError `invalid_filter`, `environment_not_found` */
export async function listRuns(db: Queryable, environment: string, filter: RunListFilter): Promise<RunPage> {
  const limit = filter.limit ?? defaultLimit;
  refusePageSize(limit, maxLimit);
  const { search } = filter;
  const { seq, searched } = parseCursor(filter.cursor, search !== undefined);
  const checked = { ...checkFilter(filter), beforeSeq: seq };
  if (search !== undefined && (search === '' || search.length > maxSearchLength))
    throw new CloudCodeError(
      'invalid_filter',
      `\`search\` has ${search.length} characters; it must have 1 to ${maxSearchLength}.`,
    );
  const environmentId = await findEnvironment(db, environment);
  if (needsLists(checked)) await listFinishedRunsIfMany(db, environmentId);
  if (search !== undefined) return searchPage(db, environmentId, { text: search, searched, limit }, checked);
  const found = await readRuns(db, environmentId, { ...checked, limit: limit + 1 });
  const page = found.slice(0, limit);
  return {
    runs: page.map(asListed),
    nextCursor: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
  };
}

/** What a filter restricts, from its beginning. @throws CloudCodeError `invalid_filter` */
export function checkFilter(filter: Omit<RunListFilter, 'search' | 'limit' | 'cursor'>): RunFilter {
  return {
    state: parseState(filter.state),
    task: storable('task', filter.task),
    queue: storable('queue', filter.queue),
    key: storable('key', filter.key),
    scheduledBy: parseRunId(filter.scheduledBy),
    deployment: parseDeployment(filter.deployment),
    fingerprint: storable('fingerprint', filter.fingerprint),
    since: filter.since ?? null,
    until: filter.until ?? null,
    beforeSeq: null,
    fromSeq: null,
  };
}

async function searchPage(
  db: Queryable,
  environmentId: number,
  search: RunSearch,
  filter: RunFilter,
): Promise<RunPage> {
  const { found, searched, isMore } = await searchRuns(db, environmentId, search, filter);
  const runs = await readListedRuns(
    db,
    found.map(({ id }) => id),
  );
  const last = found.at(-1);
  return {
    runs: runs.map(asListed),
    nextCursor: isMore && last !== undefined ? `${last.seq}-${searched}` : null,
    searched,
  };
}

function asListed({ seq: _, omitted, ...run }: ReadRun): ListedRun {
  return omitted === null ? run : { ...run, omitted };
}

function parseState(state: string | undefined): RunState | null {
  if (state === undefined) return null;
  const known = runStates.find((each) => each === state);
  if (known !== undefined) return known;
  const nearest = suggest(state, runStates);
  throw new CloudCodeError('invalid_filter', `\`state\` is \`${state}\`, which no run can have.`, {
    hint: nearest === null ? `The states are ${runStates.join(', ')}.` : `Did you mean \`${nearest}\`?`,
  });
}

function storable(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  if (value.includes('\0'))
    throw new CloudCodeError('invalid_filter', `\`${name}\` holds the character U+0000, which no name has.`);
  return value;
}

function parseRunId(id: string | undefined): string | null {
  if (id === undefined) return null;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw new CloudCodeError('invalid_filter', `\`scheduledBy\` is \`${id.slice(0, 40)}\`, which is the id of no run.`);
}

function parseDeployment(id: string | undefined): string | null {
  if (id === undefined) return null;
  if (/^[1-9]\d{0,17}$/.test(id)) return id;
  throw new CloudCodeError(
    'invalid_filter',
    `\`deployment\` is \`${id.slice(0, 40)}\`, which is the id of no deployment.`,
    {
      hint: 'The id of a deployment is a whole number.',
    },
  );
}

/** Where a page begins; of a search, also how many runs the pages before it have looked at. */
function parseCursor(
  cursor: string | undefined,
  isSearch: boolean,
): { readonly seq: string | null; readonly searched: number } {
  if (cursor === undefined) return { seq: null, searched: 0 };
  const [, seq, searched] = /^(\d{1,18})(?:-(\d{1,5}))?$/.exec(cursor) ?? [];
  if (seq !== undefined && (searched !== undefined) === isSearch) return { seq, searched: Number(searched ?? 0) };
  throw new CloudCodeError(
    'invalid_filter',
    `\`cursor\` is \`${cursor.slice(0, 40)}\`, which no page of this list gave.`,
    {
      hint: 'Give back the `nextCursor` of the page before, with the same filters.',
    },
  );
}

/** What an environment still has to do: what `run --drain` waits for and what it leaves. @throws CloudCodeError `environment_not_found` */
export async function summariseBacklog(db: Queryable, environment: string): Promise<Backlog> {
  return readBacklog(db, await findEnvironment(db, environment));
}

/** The runs that have ended since a time (ISO 8601), but for one: what `run --drain` tells. @throws CloudCodeError `environment_not_found` */
export async function summariseEnded(
  db: Queryable,
  environment: string,
  of: { readonly since: string; readonly besides: string },
): Promise<EndedSummary> {
  return readEnded(db, await findEnvironment(db, environment), of);
}
