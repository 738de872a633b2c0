import type { FastifyInstance } from 'fastify';
import { parseQueue } from '../../engine/core/schedule-request.ts';
import { listQueues } from '../../engine/operations/list-queues.ts';
import { pauseQueue, resumeQueue } from '../../engine/operations/pause-queue.ts';
import { parseQueueBody, parseQueuesQuery } from '../api/http-queues.ts';
import type { Store } from '../../engine/store/open-store.ts';

interface InEnvironment {
  Params: { environment: string };
}
interface OneQueue {
  Params: { environment: string; name: string };
}

export function queueRoutes(api: FastifyInstance, store: Store): void {
  api.get<InEnvironment>('/queues', ({ params, query }) =>
    listQueues(store, params.environment, parseQueuesQuery(query)),
  );
  api.post<OneQueue>('/queues/:name/pause', ({ params }) => pauseQueue(store, params.environment, params.name));
  api.post<OneQueue>('/queues/:name/resume', ({ params }) => resumeQueue(store, params.environment, params.name));
  api.post<InEnvironment>('/queues/pause', ({ params, body }) =>
    pauseQueue(store, params.environment, parseQueue(parseQueueBody(body))),
  );
  api.post<InEnvironment>('/queues/resume', ({ params, body }) =>
    resumeQueue(store, params.environment, parseQueue(parseQueueBody(body))),
  );
}
