import { withoutSecrets } from '../client/request-json.ts';
import { allQueues, type Backend } from '../client/backend.ts';
import { cancelRun } from '../operations/cancel-run.ts';
import { followLogs } from '../operations/follow-logs.ts';
import { getRun } from '../operations/get-run.ts';
import { listQueues } from '../operations/list-queues.ts';
import { listRuns } from '../operations/list-runs.ts';
import { toBrokenTaskBody } from '../protocol/http-project.ts';
import { listBrokenTasks, listTasks } from '../operations/list-tasks.ts';
import { pauseQueue, resumeQueue } from '../operations/pause-queue.ts';
import { readLogs } from '../operations/read-logs.ts';
import { retryRun } from '../operations/retry-run.ts';
import { findOrScheduleRun } from '../operations/schedule-run.ts';
import { summariseBacklog } from '../operations/summarise-backlog.ts';
import { summariseEnded } from '../operations/summarise-ended.ts';
import type { Store } from '../store/open-store.ts';

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
