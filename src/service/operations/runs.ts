import { randomUUID } from 'node:crypto';
import { cancel } from '../../engine/operations/cancel-run.ts';
import { type Change, changeMany, refuseOtherStates } from '../../engine/operations/change-many.ts';
import { refuseToChange } from '../../engine/operations/environments.ts';
import { getRunState, getRunText } from '../../engine/operations/get-run.ts';
import { listRuns, summariseBacklog, summariseEnded } from '../../engine/operations/list-runs.ts';
import { followLogs, readLogs } from '../../engine/operations/logs.ts';
import { retry } from '../../engine/operations/retry-run.ts';
import { findOrScheduleChecked } from '../../engine/operations/schedule-run.ts';
import { isFinal, type NumberedLine } from '../../engine/core/run.ts';
import type { runs } from '../api/runs.ts';
import type { InputOf } from '../api/operation.ts';
import { type Events, type Follower, type Handlers, JsonText } from './handler.ts';
import type { Service } from './service.ts';
import { stepsOf } from './steps.ts';
import { scheduleInFolder } from './schedule-in-folder.ts';
import { scheduleBatchOnce, scheduledAnswer, scheduleOnce } from './schedule-once.ts';
import type { Store } from '../../engine/store/open-store.ts';

/** An answer ends with the page that brings it to this many characters: some attempts with as much output as is kept of one. */
const answerLength = 8 * 1024 * 1024;

export const runHandlers: Handlers<typeof runs> = {
  schedule: {
    answer: ({ store, folderState, claiming = null }, { environment, body }, { idempotencyKey: key }) =>
      scheduleInFolder(folderState, [body.task], async () =>
        key === null
          ? scheduledAnswer(environment, await findOrScheduleChecked(store, environment, body, claiming))
          : scheduleOnce(store, environment, { key, body }),
      ),
  },
  scheduleBatch: {
    // Without a key of the caller's it has one all the same, by which it is found again when the answer of the database was lost.
    answer: ({ store, folderState }, { environment, body }, { idempotencyKey }) =>
      scheduleInFolder(folderState, [...new Set(body.map(({ task }) => task))], () =>
        scheduleBatchOnce(store, environment, { key: idempotencyKey ?? randomUUID(), body }),
      ),
  },
  list: { answer: ({ store }, { environment, ...filter }) => listRuns(store, environment, filter) },
  get: {
    answer: async ({ store, watch }, { wait = 0, ...run }, { untilGone }) => {
      if (wait > 0 && !isFinal(await getRunState(store, run.environment, run.id)))
        await watch.untilFinished(run.id, { ms: wait * 1000, signal: untilGone() });
      return readRun(store, run);
    },
  },
  cancel: {
    answer: async ({ store }, run) => {
      await cancel(store, run.environment, run.id);
      return readRun(store, run);
    },
  },
  retry: {
    answer: async ({ store }, run) => {
      await retry(store, run.environment, run.id);
      return readRun(store, run);
    },
  },
  retryMany: { follow: (service, asked, follower) => followMany(service, 'retry', asked, follower) },
  cancelMany: { follow: (service, asked, follower) => followMany(service, 'cancel', asked, follower) },
  logs: {
    answer: async ({ store }, { environment, id, after = 0 }) => {
      const all: NumberedLine[] = [];
      for (let [length, seq] = [0, after]; length < answerLength;) {
        const { lines } = await readLogs(store, environment, id, seq);
        if (lines.length === 0) return { lines: all };
        all.push(...lines);
        seq = lines.at(-1)?.seq ?? seq;
        length += lines.reduce((sum, line) => sum + line.message.length, 0);
      }
      return { lines: all, nextAfter: all.at(-1)?.seq ?? after };
    },
    follow: async ({ store, watch }, { environment, id, after = 0 }, follower) => {
      await getRunState(store, environment, id);
      return linesOf(followLogs(store, environment, id, { afterSeq: after, ...follower, watch, readRun: getRunText }));
    },
  },
  summariseBacklog: { answer: ({ store }, { environment }) => summariseBacklog(store, environment) },
  summariseEnded: { answer: ({ store }, { environment, ...of }) => summariseEnded(store, environment, of) },
};

type ManyAsked = InputOf<(typeof runs)['retryMany' | 'cancelMany']>;

/** What the filter is refused for is told before it begins. */
async function followMany(
  { store }: Service,
  change: Change,
  { environment, body: { filter, dryRun = false } }: ManyAsked,
  follower: Follower,
) {
  await refuseToChange(store, environment);
  refuseOtherStates(change, filter);
  return stepsOf(
    ({ signal, onStep: onProgress }) => changeMany(store, environment, { change, filter, dryRun, signal, onProgress }),
    follower,
  );
}

async function readRun(
  store: Store,
  { environment, id }: { readonly environment: string; readonly id: string },
): Promise<JsonText> {
  return new JsonText(await getRunText(store, environment, id));
}

/** The end comes with the run: a server that closes may not be there to be asked for it. */
async function* linesOf(pages: ReturnType<typeof followLogs<string>>): Events<typeof runs.logs> {
  for (let page = await pages.next(); ; page = await pages.next()) {
    if (page.done === true) {
      if (page.value !== null) yield [{ event: 'end', data: new JsonText(page.value) }];
      return;
    }
    yield page.value.map((line) => ({ event: 'message', data: line, id: line.seq }));
  }
}
