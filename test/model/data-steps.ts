import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { writeData } from '../support/write-data.ts';
import type { BatchOperation } from '../../src/data/protocol/data-calls.ts';
import { deleteBatches } from '../../src/engine/store/batches.ts';
import { type AttemptPick, attemptPicks, hasAttempt, nameOf, namesOf, pickAttempt } from './attempt-steps.ts';
import type { DataOperation, Model } from './model.ts';
import { pieceNames, type Real } from './real.ts';
import { requestOf, sentOf, type Wish, wishes, wordsOf } from './requests.ts';
import { answerOf, pick, type StepKind } from './step.ts';

// What tasks write with DB, in batches under the attempt's fence.

type DataWish = Exclude<DataOperation, { readonly do: 'schedule' }> | { readonly do: 'schedule'; readonly wish: Wish };

const piece = fc.constantFrom(...pieceNames);
const dataWishes: fc.Arbitrary<DataWish> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('insert' as const, 'insert' as const, 'insert' as const, 'update' as const),
      piece,
      text: fc.constantFrom('x', 'y'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), piece }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy_all' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('schedule' as const), wish: wishes }) },
);

interface BatchGiven {
  readonly picked: AttemptPick;
  readonly operations: readonly DataWish[];
  /** The id of a batch that was carried out, instead of a new one. */
  readonly repeat: number | null;
}

/** Only `testing` has data here. */
function isPossible(model: Model, picked: AttemptPick): boolean {
  return hasAttempt(model, picked) && model.run(pickAttempt(model, picked).run).environment === 'testing';
}

export const write: StepKind<BatchGiven> = {
  weight: 8,
  given: fc.record({
    picked: attemptPicks,
    operations: fc.array(dataWishes, { minLength: 1, maxLength: 3 }),
    repeat: fc.option(fc.nat(20), { freq: 1 }),
  }),
  isPossible: (model, { picked }) => isPossible(model, picked),
  async do({ model, real, say, compare }, { picked, operations, repeat }) {
    const attempt = pickAttempt(model, picked);
    const { id: runId, environment } = model.run(attempt.run);
    const repeated = repeat === null || model.state.batches.length === 0 ? null : pick(model.state.batches, repeat);
    say(
      `${nameOf(model, attempt)} writes ${repeated === null ? '' : `the batch of ${repeated.run} again: `}${operations.map(wordsOfData).join('; ')}`,
    );
    const both = operations.map((operation) => sides(operation, { model, real }));
    const id = repeated?.id ?? randomUUID();
    const scope = { caller: { runId, fence: attempt.fence, environment }, target: real.target };
    const stored = await answerOf(() =>
      writeData(real.t.store, scope, { id, parts: inParts(both.map(({ sent }) => sent)) }),
    );
    const expected = await answerOf(() =>
      model.writeBatch(attempt, { id, operations: both.map(({ modelled }) => modelled) }),
    );
    compare(
      'refused' in stored ? stored : { destroyed: stored.destroyed, runs: namesOf(model, stored.runs) },
      expected,
    );
  },
};

export const forgetBatches: StepKind<AttemptPick> = {
  weight: 2,
  given: attemptPicks,
  isPossible,
  async do({ model, real, say }, picked) {
    const attempt = pickAttempt(model, picked);
    say(`the worker of ${nameOf(model, attempt)} is gone: its batches are forgotten`);
    await deleteBatches(real.t.store, { runId: model.run(attempt.run).id, fence: attempt.fence });
    model.forgetBatches(attempt);
  },
};

function sides(
  wish: DataWish,
  { model, real }: { readonly model: Model; readonly real: Real },
): { readonly modelled: DataOperation; readonly sent: BatchOperation } {
  if (wish.do === 'schedule') {
    const request = requestOf(wish.wish, 'testing', model.state.now);
    return {
      modelled: { do: 'schedule', runs: [request] },
      sent: { do: 'schedule', runs: [sentOf(request, wish.wish)] },
    };
  }
  if (wish.do === 'destroy_all')
    return {
      modelled: wish,
      sent: { do: 'destroy_all', selection: { model: 'piece', where: [], orderBy: [], skip: 0, limit: null } },
    };
  const ids = [real.pieceId(wish.piece)];
  if (wish.do === 'destroy') return { modelled: wish, sent: { do: 'destroy', model: 'piece', ids } };
  const rest = { model: 'piece', columns: ['state'], ids };
  return {
    modelled: wish,
    sent:
      wish.do === 'insert'
        ? { do: 'insert', rows: JSON.stringify([{ id: ids[0], state: wish.text }]), ...rest }
        : { do: 'update', values: [JSON.stringify([wish.text])], ...rest },
  };
}

async function* inParts(operations: readonly BatchOperation[]): AsyncGenerator<readonly BatchOperation[]> {
  yield operations.slice(0, 2);
  yield operations.slice(2);
}

function wordsOfData(wish: DataWish): string {
  if (wish.do === 'schedule') return `schedule ${wordsOf(wish.wish)}`;
  if (wish.do === 'destroy_all') return 'destroy all';
  return wish.do === 'destroy' ? `destroy ${wish.piece}` : `${wish.do} ${wish.piece} as ${wish.text}`;
}
