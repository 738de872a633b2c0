import { randomUUID } from 'node:crypto';
import { dataDeployment } from '../../src/data/extension.ts';
import type { DataModel } from '../../src/data/model/data-model.ts';
import { type DataTarget, dataTarget } from '../../src/data/statements/target.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { migrate } from '../../src/engine/store/migrate.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { readEnvironmentId } from '../../src/engine/store/read-runs.ts';
import { takeLease } from '../../src/engine/store/runners.ts';
import { setClock, stopClock } from '../support/database-clock.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { noopTask } from '../support/store.ts';
import * as leases from './leases.ts';
import type { Model } from './model.ts';
import { attemptsOf, type Environment, environments, epoch, leaseMs, type RunnerName, runnerNames } from './state.ts';

/** The store that is compared with the model, on a database whose clock is set. */
export interface Real extends AsyncDisposable {
  readonly t: { readonly store: Store };
  readonly target: DataTarget;
  environmentId(environment: Environment): number;
  runnerId(name: RunnerName): string;
  runnerOf(id: string): RunnerName;
  pieceId(name: string): string;
  pieceOf(id: string): string;
  takeLease(name: RunnerName): Promise<void>;
  setClock(at: number): Promise<void>;
  /** An empty store and the model of it, the runners A and B with leases. */
  begin(makeModel: () => Model): Promise<Model>;
}

const dataModel: DataModel = {
  models: [
    {
      name: 'piece',
      label: 'Piece',
      belongsTo: [],
      hasMany: [],
      indexes: [],
      display: null,
      webhooks: [],
      fields: [{ name: 'state', label: 'State', type: 'text', subtype: null, options: [] }],
    },
  ],
};
export const pieceNames = ['p1', 'p2', 'p3'] as const;

export async function openReal(): Promise<Real> {
  const database = await testDatabaseUrl();
  await stopClock(database);
  const store = await openStore({ url: database.url });
  await migrate(store);
  const tasks = Object.entries(attemptsOf).map(([name, maxAttempts]) => ({
    ...noopTask,
    name,
    config: { maxAttempts },
  }));
  for (const environment of environments)
    await deployProject(store, environment, {
      folder: '/nowhere',
      tasks,
      config: {},
      extension: dataDeployment(dataModel),
    });
  const environmentIds = new Map<Environment, number>();
  for (const environment of environments)
    environmentIds.set(environment, (await readEnvironmentId(store, environment)) ?? 0);
  const runners = twoWay(runnerNames);
  const pieces = twoWay(pieceNames);
  const take = (name: RunnerName): Promise<void> =>
    takeLease(store, { id: runners.idOf(name), host: 'test', pid: 1, processIdentity: null, leaseMs });
  return {
    t: { store },
    target: dataTarget('testing', dataModel),
    environmentId: (environment) => environmentIds.get(environment) ?? 0,
    runnerId: runners.idOf,
    runnerOf: runners.nameOf,
    pieceId: (name) => pieces.idOf(name as (typeof pieceNames)[number]),
    pieceOf: pieces.nameOf,
    takeLease: take,
    setClock: (at) => setClock(store, at),
    async begin(makeModel) {
      await store.query({
        name: 'test_begin',
        text: `
          with runs as (delete from cloudcode.runs), ready as (delete from cloudcode.ready), backlog as (delete from cloudcode.backlog), claims as (delete from cloudcode.claims),
            endings as (delete from cloudcode.endings), listed as (delete from cloudcode.listed), attempts as (delete from cloudcode.past_attempts), lines as (delete from cloudcode.log_lines), queues as (delete from cloudcode.queues), runners as (delete from cloudcode.runners)
          delete from cloudcode_testing.piece`,
      });
      await setClock(store, epoch);
      const model = makeModel();
      for (const name of ['A', 'B'] as const) {
        await take(name);
        leases.take(model.state, name);
      }
      return model;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await database.dispose();
    },
  };
}

function twoWay<Name extends string>(names: readonly Name[]): { idOf(name: Name): string; nameOf(id: string): Name } {
  const ids = new Map<Name, string>(names.map((name) => [name, randomUUID()]));
  const back = new Map([...ids].map(([name, id]) => [id, name]));
  return {
    idOf: (name) => ids.get(name) ?? '',
    nameOf(id) {
      const name = back.get(id);
      if (name === undefined) throw new Error(`${id} is none of ${names.join(', ')}`);
      return name;
    },
  };
}
