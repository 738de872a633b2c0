import { z } from 'zod';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { one, parseQuery, wholeNumber } from './http-query.ts';

const queueBody = z.strictObject({ queue: z.unknown() });

/**
 * The name from the body `{ queue }` of `POST …/queues/pause` and `…/resume`: for names that no URL can hold in its path (`.` and `..`, which
 * clients resolve before they send them).
 * @throws CloudCodeError `invalid_body`
 */
export function parseQueueBody(body: unknown): unknown {
  const parsed = queueBody.safeParse(body);
  if (parsed.success) return parsed.data.queue;
  throw new CloudCodeError('invalid_body', 'The body must be { "queue": name }.');
}

const queuesQuery = z.strictObject({ cursor: one.optional(), limit: wholeNumber.optional() });

/** The query of `GET …/queues`. @throws CloudCodeError `invalid_filter` */
export function parseQueuesQuery(query: unknown): z.output<typeof queuesQuery> {
  return parseQuery(queuesQuery, query);
}

/** Whether a queue can be named in a URL's path. */
export function fitsInPath(queue: string): boolean {
  return queue !== '.' && queue !== '..';
}
