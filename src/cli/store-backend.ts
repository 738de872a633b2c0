import { withoutSecrets } from '../client/request-json.ts';
import { allQueues, type Backend } from '../client/backend.ts';
import { cancelRun } from '../engine/operations/cancel-run.ts';
import { followLogs, readLogs } from '../engine/operations/logs.ts';
import { getRun } from '../engine/operations/get-run.ts';
import { listQueues } from '../engine/operations/list-queues.ts';
import { listRuns } from '../engine/operations/list-runs.ts';
import { toBrokenTaskBody } from '../service/api/http-project.ts';
import { listBrokenTasks, listTasks } from '../engine/operations/list-tasks.ts';
import { pauseQueue, resumeQueue } from '../engine/operations/pause-queue.ts';
import { retryRun } from '../engine/operations/retry-run.ts';
import { findOrScheduleRun } from '../engine/operations/schedule-run.ts';
import { summariseBacklog, summariseEnded } from '../engine/operations/summarise-runs.ts';
import type { Store } from '../engine/store/open-store.ts';

/** A store, directly: the same operations that a server calls. */
export function storeBackend(store: Store, environment: string): Backend {
  return {
    name: withoutSecrets(store.url),
    scheduleRun: (options) => findOrScheduleRun(store, environment, options),
    getRun: (runId) => getRun(store, environment, runId),
    listRuns: (filter) => listRuns(store, environment, filter),
    cancelRun: (runId) => cancelRun(store, environment, runId),
    retryRun: (runId) => retryRun(store, environment, runId),
    listQueues: () => allQueues((cursor) => listQueues(store, environment, { cursor })),
    pauseQueue: async (name) => pauseQueue(store, environment, name),
    resumeQueue: async (name) => resumeQueue(store, environment, name),
    listTasks: () => listTasks(store, environment),
    listBrokenTasks: async () => (await listBrokenTasks(store, environment)).map(toBrokenTaskBody),
    readLogs: async (runId, afterSeq) => (await readLogs(store, environment, runId, afterSeq)).lines,
    async *followLogs(runId, signal) {
      const pages = followLogs(store, environment, runId, { afterSeq: 0, signal, readRun: getRun });
      for (let page = await pages.next(); ; page = await pages.next()) {
        if (page.done === true) return page.value;
        yield* page.value;
      }
    },
    summariseBacklog: () => summariseBacklog(store, environment),
    summariseEnded: (of) => summariseEnded(store, environment, of),
    // A command that works on a store deploys its own folder, and knows.
    lookAtFolder: async () => ({ isWatched: false, isKept: false, changed: [], problem: null, broken: [] }),
    health: async () => {
      await store.query({ name: 'health', text: 'select 1' });
    },
  };
}
