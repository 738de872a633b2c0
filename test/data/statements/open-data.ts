import assert from 'node:assert/strict';
import type { DataModel, Field, FieldType, Model } from '../../../src/data/model/data-model.ts';
import { belongsToColumn, columnsOf, idColumn, quoteName, tableName } from '../../../src/data/statements/columns.ts';
import { type DataTarget, dataTarget } from '../../../src/data/statements/target.ts';
import { scheduleRun } from '../../../src/engine/operations/schedule-run.ts';
import type { ClaimedRun } from '../../../src/engine/store/claim-runs.ts';
import type { Caller } from '../../../src/engine/store/insert-run.ts';
import type { Store } from '../../../src/engine/store/open-store.ts';
import { testStore, type TestStore } from '../../support/store.ts';

export interface TestData extends AsyncDisposable {
  readonly store: Store;
  readonly target: DataTarget;
  /** A running attempt. */
  readonly caller: Caller;
  readonly run: ClaimedRun;
  finish: TestStore['finish'];
}

/** A store with the tables of some models, and an attempt that may use them. */
export async function testData(models: readonly Model[]): Promise<TestData> {
  const t = await testStore();
  const target = dataTarget('testing', { models } satisfies DataModel);
  await t.store.query({ name: '', text: `create schema ${quoteName(target.schema)}` });
  for (const model of models) {
    const columns = [...model.fields.flatMap(columnsOf), ...model.belongsTo.map(belongsToColumn)].map(
      ({ name, type }) => `, ${quoteName(name)} ${type}`,
    );
    await t.store.query({
      name: '',
      text: `create table ${tableName(target.schema, model.name)} (${idColumn.name} uuid primary key${columns.join('')})`,
    });
  }
  await scheduleRun(t.store, 'testing', { task: 'noop' });
  const [run] = await t.claim(1);
  assert.ok(run !== undefined);
  return {
    store: t.store,
    target,
    caller: { runId: run.id, fence: run.fence },
    run,
    finish: t.finish,
    [Symbol.asyncDispose]: () => t[Symbol.asyncDispose](),
  };
}

export function makeField(name: string, type: FieldType, keys: readonly (string | number)[] = []): Field {
  return { name, label: name, type, subtype: null, options: keys.map((key) => ({ key, label: String(key) })) };
}

export function makeModel(name: string, fields: readonly Field[], belongsTo: Model['belongsTo'] = []): Model {
  return { name, label: name, fields, belongsTo, hasMany: [], indexes: [], display: null, webhooks: [] };
}
