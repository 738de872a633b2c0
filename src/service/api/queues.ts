import { z } from 'zod';
import { queue } from '../../engine/core/run-schema.ts';
import { inEnvironment, resource } from './operation.ts';
import { one, wholeNumber } from './read-input.ts';

const name = z.string().meta({ description: 'The name of a queue, percent-encoded.' });

/** For names that no URL can hold in its path (`.` and `..`, which clients resolve before they send them). */
const named = z.strictObject({ queue: z.unknown().meta({ type: 'string' }) }, { error: 'must be { "queue": name }' });

export const queues = resource('queues', {
  list: {
    method: 'GET',
    path: `${inEnvironment}/queues`,
    permission: 'queues:read',
    summary: 'Lists the queues that have something to do or are paused, by name, a page at a time.',
    parameters: {
      cursor: one.optional().meta({ description: 'The `nextCursor` of the page before.' }),
      limit: wholeNumber
        .optional()
        .meta({ description: 'The size of a page, up to 10,000; that is what it is by default.' }),
    },
    answer: z.object({
      queues: z.array(queue).readonly(),
      nextCursor: z.string().optional().meta({ description: 'The `cursor` of the next page; absent at the end.' }),
    }),
  },
  pause: {
    method: 'POST',
    path: `${inEnvironment}/queues/:name/pause`,
    permission: 'queues:write',
    summary: 'Starts no more runs of a queue; one that runs goes on.',
    parameters: { name },
    answer: queue,
    refusals: ['invalid_queue'],
  },
  resume: {
    method: 'POST',
    path: `${inEnvironment}/queues/:name/resume`,
    permission: 'queues:write',
    summary: 'Goes on with a paused queue.',
    parameters: { name },
    answer: queue,
    refusals: ['invalid_queue'],
  },
  pauseNamed: {
    method: 'POST',
    path: `${inEnvironment}/queues/pause`,
    permission: 'queues:write',
    summary: 'Starts no more runs of a queue, whatever its name is.',
    body: named,
    answer: queue,
    refusals: ['invalid_queue'],
  },
  resumeNamed: {
    method: 'POST',
    path: `${inEnvironment}/queues/resume`,
    permission: 'queues:write',
    summary: 'Goes on with a paused queue, whatever its name is.',
    body: named,
    answer: queue,
    refusals: ['invalid_queue'],
  },
});
