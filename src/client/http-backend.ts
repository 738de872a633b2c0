import type { Queue, Run } from '../engine/core/run.ts';
import { parseQueue, parseScheduleRequest } from '../engine/core/schedule-request.ts';
import { fitsInPath } from '../service/api/http-queues.ts';
import type { BrokenTaskBody, FolderBody } from '../service/api/http-project.ts';
import type { LogsBody } from '../service/api/http-runs.ts';
import {
  allQueues,
  type Backend,
  type Backlog,
  type EndedSummary,
  type QueuePage,
  type RunPage,
  type TaskSummary,
} from './backend.ts';
import { followEvents } from './follow-events.ts';
import { followWork } from './follow-work.ts';
import { requestAnswer, requestJson, withoutSecrets } from './request-json.ts';

export interface ServerAddress {
  readonly url: string;
  readonly token?: string | undefined;
  readonly environment: string;
  /** What to do when it cannot be reached. */
  readonly hint?: string | undefined;
}

/** A server's HTTP API. Every method may also throw `server_unreachable`. */
export function httpBackend({ url, token, environment, hint }: ServerAddress): Backend {
  const server = { url, token, hint };
  const base = `/api/v1/environments/${encodeURIComponent(environment)}`;
  const get = <Answer>(path: string): Promise<Answer> => requestJson<Answer>(server, base + path);
  const post = <Answer>(path: string, body: unknown = {}): Promise<Answer> =>
    requestJson<Answer>(server, base + path, { method: 'POST', body });
  const change = (name: string, verb: 'pause' | 'resume'): Promise<Queue> =>
    fitsInPath(parseQueue(name))
      ? post(`/queues/${encodeURIComponent(name)}/${verb}`)
      : post(`/queues/${verb}`, { queue: name });
  const runPath = (runId: string): string => `/runs/${encodeURIComponent(runId)}`;
  return {
    name: withoutSecrets(url),
    async scheduleRun(options) {
      // Refused here already: what is wrong, or too large, need not travel.
      const { parametersJson } = parseScheduleRequest(options, new Date());
      const body = { ...options, parameters: JSON.parse(parametersJson) as unknown };
      const { status, body: run } = await requestAnswer<Run>(server, `${base}/runs`, { method: 'POST', body });
      return { run, isNew: status === 201 };
    },
    getRun: (runId) => get<Run>(runPath(runId)),
    listRuns: (filter) => get<RunPage>(`/runs?${queryOf(filter)}`),
    cancelRun: (runId) => post<Run>(`${runPath(runId)}/cancel`),
    retryRun: (runId) => post<Run>(`${runPath(runId)}/retry`),
    listQueues: () => allQueues((cursor) => get<QueuePage>(`/queues?${queryOf({ cursor })}`)),
    pauseQueue: async (name) => change(name, 'pause'),
    resumeQueue: async (name) => change(name, 'resume'),
    listTasks: async () => (await get<{ readonly tasks: readonly TaskSummary[] }>('/tasks')).tasks,
    listBrokenTasks: async () => (await get<{ readonly broken?: readonly BrokenTaskBody[] }>('/tasks')).broken ?? [],
    readLogs: async (runId, afterSeq) => (await get<LogsBody>(`${runPath(runId)}/logs?after=${afterSeq}`)).lines,
    followLogs: (runId, signal) => followEvents(server, `${base}${runPath(runId)}/logs`, signal),
    summariseBacklog: () => get<Backlog>('/backlog'),
    summariseEnded: (of) => get<EndedSummary>(`/ended?${queryOf(of)}`),
    lookAtFolder: (waiting) => followWork<FolderBody>(server, `${base}/folder`, { method: 'GET', ...waiting }),
    health: async () => {
      await requestJson(server, '/ready');
    },
  };
}

function queryOf(filter: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
  return query.toString();
}
