import { z } from 'zod';
import { queue } from '../../engine/core/run-schema.ts';
import { inEnvironment, resource } from './operation.ts';
import { one, wholeNumber } from './read-input.ts';

const name = z.string();

/** For names that no URL can hold in its path (`.` and `..`, which clients resolve before they send them). */
const named = z.strictObject({ queue: z.unknown().meta({ type: 'string' }) }, { error: 'must be { "queue": name }' });

export const queues = resource('queues', {
  list: {
    method: 'GET',
    path: `${inEnvironment}/queues`,
    permission: 'queues:read',
    summary: 'Lists the queues that have something to do or are paused, by name, a page at a time.',
    parameters: { cursor: one.optional(), limit: wholeNumber.optional() },
    answer: z.object({
      queues: z.array(queue).readonly(),
      /** Give it back as `cursor` for the next page; absent at the end. */
      nextCursor: z.string().optional(),
    }),
  },
  pause: {
    method: 'POST',
    path: `${inEnvironment}/queues/:name/pause`,
    permission: 'queues:write',
    summary: 'Starts no more runs of a queue; one that runs goes on.',
    parameters: { name },
    answer: queue,
  },
  resume: {
    method: 'POST',
    path: `${inEnvironment}/queues/:name/resume`,
    permission: 'queues:write',
    summary: 'Goes on with a paused queue.',
    parameters: { name },
    answer: queue,
  },
  pauseNamed: {
    method: 'POST',
    path: `${inEnvironment}/queues/pause`,
    permission: 'queues:write',
    summary: 'Starts no more runs of a queue, whatever its name is.',
    body: named,
    answer: queue,
  },
  resumeNamed: {
    method: 'POST',
    path: `${inEnvironment}/queues/resume`,
    permission: 'queues:write',
    summary: 'Goes on with a paused queue, whatever its name is.',
    body: named,
    answer: queue,
  },
});
