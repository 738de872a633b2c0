import { parseQueue } from '../../engine/core/schedule-request.ts';
import { listQueues } from '../../engine/operations/list-queues.ts';
import { pauseQueue, resumeQueue } from '../../engine/operations/pause-queue.ts';
import type { queues } from '../api/queues.ts';
import type { Handlers } from './handler.ts';

export const queueHandlers: Handlers<typeof queues> = {
  list: { answer: ({ store }, { environment, ...filter }) => listQueues(store, environment, filter) },
  pause: { answer: ({ store }, { environment, name }) => pauseQueue(store, environment, name) },
  resume: { answer: ({ store }, { environment, name }) => resumeQueue(store, environment, name) },
  pauseNamed: {
    answer: async ({ store }, { environment, body }) => pauseQueue(store, environment, parseQueue(body.queue)),
  },
  resumeNamed: {
    answer: async ({ store }, { environment, body }) => resumeQueue(store, environment, parseQueue(body.queue)),
  },
};
