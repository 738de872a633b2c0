import type { FastifyInstance } from 'fastify';
import { listBrokenTasks, listTasks } from '../../engine/operations/list-tasks.ts';
import { summariseBacklog, summariseEnded } from '../../engine/operations/summarise-runs.ts';
import { packageVersion } from '../../package-root.ts';
import { type ProjectBody, toBrokenTaskBody } from '../api/http-project.ts';
import { parseEndedQuery } from '../api/http-runs.ts';
import type { ServerOptions } from './create-server.ts';
import { wantsEvents } from './event-stream.ts';
import { streamWork } from './stream-work.ts';

interface InEnvironment {
  Params: { environment: string };
}

/** What is served, what it can run, and what it still has to do. */
export function projectRoutes(api: FastifyInstance, { store, project, folderState, log }: ServerOptions): void {
  api.get<InEnvironment>('/project', ({ params }): ProjectBody => {
    return {
      folder: project.folder,
      name: project.name,
      environment: params.environment,
      version: packageVersion,
      pid: process.pid,
    };
  });
  if (folderState !== undefined) {
    api.get<InEnvironment>('/folder', (request, reply) =>
      wantsEvents(request.headers.accept)
        ? streamWork({ request, reply, log }, ({ onStep }) => folderState.look(onStep))
        : folderState.look(),
    );
    api.post<InEnvironment>('/folder/deploy', (request, reply) =>
      streamWork({ request, reply, log }, (waiting) => folderState.deploy(request.params.environment, waiting)),
    );
  }
  api.get<InEnvironment>('/tasks', async ({ params: { environment } }) => ({
    tasks: await listTasks(store, environment),
    broken: (await listBrokenTasks(store, environment)).map(toBrokenTaskBody),
  }));
  api.get<InEnvironment>('/ended', ({ params, query }) =>
    summariseEnded(store, params.environment, parseEndedQuery(query)),
  );
  api.get<InEnvironment>('/backlog', ({ params }) => summariseBacklog(store, params.environment));
}
