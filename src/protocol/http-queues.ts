import { z } from 'zod';
import { CloudCodeError } from '../core/errors.ts';

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

/** Whether a queue can be named in a URL's path. */
export function fitsInPath(queue: string): boolean {
  return queue !== '.' && queue !== '..';
}
