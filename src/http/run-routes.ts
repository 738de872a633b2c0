import type { FastifyInstance } from 'fastify';
import { cancelRun } from '../operations/cancel-run.ts';
import { getRun } from '../operations/get-run.ts';
import { listRuns } from '../operations/list-runs.ts';
import { retryRun } from '../operations/retry-run.ts';
import { findOrScheduleRun } from '../operations/schedule-run.ts';
import { parseRunsQuery, parseScheduleBody } from '../protocol/http-runs.ts';
import type { Store } from '../store/open-store.ts';

interface InEnvironment {
  Params: { environment: string };
}
interface OneRun {
  Params: { environment: string; id: string };
}

export function runRoutes(api: FastifyInstance, store: Store): void {
  api.post<InEnvironment>('/runs', async ({ params, body }, reply) => {
    const { run, isNew } = await findOrScheduleRun(store, params.environment, parseScheduleBody(body));
    return reply.code(isNew ? 201 : 200).header('location', `/api/v1/environments/${encodeURIComponent(params.environment)}/runs/${run.id}`).send(run);
  });
  api.get<InEnvironment>('/runs', ({ params, query }) => listRuns(store, params.environment, parseRunsQuery(query)));
  api.get<OneRun>('/runs/:id', ({ params }) => getRun(store, params.environment, params.id));
  api.post<OneRun>('/runs/:id/cancel', ({ params }) => cancelRun(store, params.environment, params.id));
  api.post<OneRun>('/runs/:id/retry', ({ params }) => retryRun(store, params.environment, params.id));
}
