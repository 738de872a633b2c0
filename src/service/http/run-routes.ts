import type { FastifyInstance, FastifyReply } from 'fastify';
import { parseScheduleRequest } from '../../engine/core/schedule-request.ts';
import { cancel } from '../../engine/operations/cancel-run.ts';
import { getRunText } from '../../engine/operations/get-run.ts';
import { listRuns } from '../../engine/operations/list-runs.ts';
import { retry } from '../../engine/operations/retry-run.ts';
import { findOrScheduleChecked } from '../../engine/operations/schedule-run.ts';
import { parseRunsQuery, parseScheduleBody } from '../api/http-runs.ts';
import type { ServerOptions } from './create-server.ts';
import { openScheduleParser } from './large-bodies/parse-apart.ts';
import { LargeBody, largestBody } from './read-json-body.ts';
import { scheduleInFolder } from './schedule-in-folder.ts';

interface InEnvironment {
  Params: { environment: string };
}
interface OneRun {
  Params: { environment: string; id: string };
}

/** Runs are answered as the text that the database has of them: parsing 5 MB, or writing them, would hold up the runner of this process. */
export function runRoutes(api: FastifyInstance, { store, folderState }: ServerOptions): void {
  const apart = openScheduleParser();
  api.addHook('onClose', () => apart.close());
  api.post<InEnvironment>('/runs', { bodyLimit: largestBody }, async ({ params, body }, reply) => {
    const request =
      body instanceof LargeBody
        ? await apart.parse(body.bytes)
        : parseScheduleRequest(parseScheduleBody(body), new Date());
    const { id, text, isNew } = await scheduleInFolder(folderState, request.task, () =>
      findOrScheduleChecked(store, params.environment, request),
    );
    return sendJson(
      reply
        .code(isNew ? 201 : 200)
        .header('location', `/api/v1/environments/${encodeURIComponent(params.environment)}/runs/${id}`),
      text,
    );
  });
  api.get<InEnvironment>('/runs', ({ params, query }) => listRuns(store, params.environment, parseRunsQuery(query)));
  api.get<OneRun>('/runs/:id', async ({ params }, reply) =>
    sendJson(reply, await getRunText(store, params.environment, params.id)),
  );
  for (const [name, change] of [
    ['cancel', cancel],
    ['retry', retry],
  ] as const) {
    api.post<OneRun>(`/runs/:id/${name}`, async ({ params }, reply) => {
      await change(store, params.environment, params.id);
      return sendJson(reply, await getRunText(store, params.environment, params.id));
    });
  }
}

function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(text);
}
