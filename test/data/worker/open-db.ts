import assert from 'node:assert/strict';
import { dataExtension } from '../../../src/data/extension.ts';
import type { CallRequest } from '../../../src/engine/protocol/call-requests.ts';
import type { DataModel } from '../../../src/data/model/data-model.ts';
import type { ErrorCode } from '../../../src/engine/core/errors.ts';
import type { DataCall } from '../../../src/data/protocol/data-calls.ts';
import { type AnswerCalls, type Calls, openAnswers } from '../../../src/engine/runner/answer-calls.ts';
import type { Store } from '../../../src/engine/store/open-store.ts';
import { createDb } from '../../../src/data/worker/create-db.ts';
import { testData, type TestData } from '../statements/open-data.ts';
import { type AssetDb, assetModel } from './asset-model.ts';

export interface TestDb extends AsyncDisposable {
  readonly DB: AssetDb;
  readonly data: TestData;
  /** Every call that was made, in order. */
  readonly calls: DataCall[];
  /** What the next calls meet instead of the runner, or after it has answered. */
  readonly faults: Fault[];
  /** The same data as another attempt's worker sees it. */
  another(): AssetDb;
}

export interface Fault {
  readonly when: 'before' | 'after';
  readonly code: ErrorCode;
}

const answerCalls = openAnswers(dataExtension);

/** The `DB` of an attempt, connected to what answers a worker's calls in the runner. */
export async function openDb(model: DataModel = assetModel): Promise<TestDb> {
  const data = await testData(model.models);
  const calls: DataCall[] = [];
  const faults: Fault[] = [];
  const ask = connect(data, model);
  const call = async (request: CallRequest): Promise<unknown> => {
    // As it travels: what is sent is what the call holds now.
    const sent = JSON.parse(JSON.stringify(request)) as CallRequest;
    calls.push((sent.kind === 'extension' ? sent.request : sent) as DataCall);
    const fault = faults.shift();
    if (fault?.when === 'before') throw refusal(fault);
    const answer = await ask(sent);
    if (fault !== undefined) throw refusal(fault);
    return answer;
  };
  return {
    DB: createDb(model, { call, tracked: (promise) => promise }) as AssetDb,
    data,
    calls,
    faults,
    another: () => createDb(model, { call: connect(data, model), tracked: (promise) => promise }) as AssetDb,
    [Symbol.asyncDispose]: () => data[Symbol.asyncDispose](),
  };
}

function connect(
  { store, run }: { readonly store: Store; readonly run: TestData['run'] },
  dataModel: DataModel,
): (request: CallRequest) => Promise<unknown> {
  const waiting = new Map<number, (answer: Parameters<Reply>[1]) => void>();
  const reply: Reply = (call, answer) => waiting.get(call)?.(answer);
  const runner: Calls = answerCalls(run, {
    store,
    state: dataModel,
    worker: { reply },
    onOutdated: (error) => assert.fail(error),
    onUnreadable: () => assert.fail('it is no call'),
  });
  let count = 0;
  return (request) => {
    count += 1;
    const call = count;
    return new Promise((resolve, reject) => {
      waiting.set(call, (answer) => {
        waiting.delete(call);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as the channel rejects
        if ('error' in answer) reject(answer.error);
        else resolve(JSON.parse(answer.valueJson));
      });
      runner.answer({ type: 'call', call, request });
    });
  };
}

type Reply = Parameters<AnswerCalls>[1]['worker']['reply'];

function refusal({ code }: Fault): Error {
  return Object.assign(new Error('the test lost it'), { code });
}

/** The rows of a table as text, in the order of ids. */
export async function rowsOf({ store }: TestData, model: string): Promise<readonly Record<string, unknown>[]> {
  const rows = await store.query<{ row: Record<string, unknown> }>({
    name: '',
    text: `select to_json(t) as row from cloudcode_testing."${model}" t order by id`,
  });
  return rows.map(({ row }) => row);
}

/** Asserts that a call throws at once, with this code and message. */
export function refuses(work: () => unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(work, { code, message });
}
