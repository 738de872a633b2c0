import { CloudCodeError } from '../core/errors.ts';
import type { Queue } from '../core/run.ts';
import type { Queryable } from '../store/open-store.ts';
import { queuesPageSize, readQueues } from '../store/queues.ts';
import { findEnvironment } from './environments.ts';
import { refusePageSize } from './page-size.ts';

export interface QueueListFilter {
  /** 1 to 10,000, and so many by default. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface QueuePage {
  readonly queues: readonly Queue[];
  /** Give it back as `cursor` for the next page; absent at the end. */
  readonly nextCursor?: string;
}

/** A page of an environment's queues that have something to do or are paused, by name. @throws CloudCodeError `invalid_filter`, `environment_not_found` */
export async function listQueues(
  db: Queryable,
  environment: string,
  { limit = queuesPageSize, cursor }: QueueListFilter = {},
): Promise<QueuePage> {
  refusePageSize(limit, queuesPageSize);
  if (cursor?.includes('\0'))
    throw new CloudCodeError('invalid_filter', '`cursor` holds the character U+0000, which no page gave.');
  const found = await readQueues(db, await findEnvironment(db, environment), null, {
    after: cursor ?? null,
    limit: limit + 1,
  });
  const queues = found.slice(0, limit);
  const last = queues.at(-1);
  return found.length > limit && last !== undefined ? { queues, nextCursor: last.name } : { queues };
}
