import { CloudCodeError } from '../../engine/core/errors.ts';
import { suggest } from '../../engine/core/suggest.ts';
import type { CallRequest } from '../../engine/protocol/call-requests.ts';
import { sendBatch } from '../../engine/worker/send-batch.ts';
import { asTaskError } from '../../engine/worker/task-error.ts';
import type { DataModel, Model } from '../model/data-model.ts';
import { nothingWritten } from '../protocol/data-answers.ts';
import type { ReadCall } from '../protocol/data-calls.ts';
import { Batch } from './batch.ts';
import { collection } from './collection.ts';
import type { Database, ModelType } from './database.ts';
import { describeModel } from './model-type.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** How `DB` reaches the runner. */
export interface Connection {
  /** Asks the runner; rejects with `{ code, message }`. */
  readonly call: (request: CallRequest) => Promise<unknown>;
  /** Keeps the run from ending before the promise is settled. */
  readonly tracked: <Result>(promise: Promise<Result>) => Promise<Result>;
}

/**
 * The `DB` that a task sees. Models are made ready when they are first used, so that a task starts as fast with many.
 * @param dataModel null for a project without one: it has batches, which schedule runs
 */
export function createDb(dataModel: DataModel | null, { call, tracked }: Connection): object {
  const models = new Map((dataModel?.models ?? []).map((model) => [model.name, model]));
  const database = openDatabase(models, { call, tracked });
  const db: object = Object.create(unknownModels([...models.keys()], dataModel !== null)) as object;
  for (const name of models.keys()) {
    Object.defineProperty(db, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = collection(database.typeOf(name));
        Object.defineProperty(db, name, { value, enumerable: true, writable: false });
        return value;
      },
    });
  }
  Object.defineProperty(db, 'Batch', { value: batchClass(database) });
  Object.defineProperty(db, inspectMark, { value: () => `DB (${[...models.keys()].join(', ') || 'no models'})` });
  return db;
}

function openDatabase(models: ReadonlyMap<string, Model>, { call, tracked }: Connection): Database {
  const types = new Map<string, ModelType>();
  const ask = async (request: CallRequest): Promise<unknown> => {
    try {
      return await call(request);
    } catch (refusal) {
      throw asTaskError(refusal);
    }
  };
  const database: Database = {
    typeOf(name) {
      const model = models.get(name);
      if (model === undefined) throw new Error(`the data model has no ${name}`);
      const type = types.get(name) ?? describeModel(database, model);
      types.set(name, type);
      return type;
    },
    read: async <Answer>(request: ReadCall) => (await ask({ kind: 'extension', request })) as Answer,
    write: async (id, parts) => ({ ...nothingWritten, ...(await sendBatch(ask, id, parts)) }),
    track: tracked,
  };
  return database;
}

function batchClass(database: Database): new () => Batch {
  return class extends Batch {
    static override readonly name = 'Batch';

    constructor(...given: readonly unknown[]) {
      if (given.length > 0)
        throw new CloudCodeError(
          'invalid_value',
          'new DB.Batch() takes no arguments: add to it with batch.save(object).',
        );
      super(database);
    }
  };
}

/** The prototype of DB, where only names come that are no models. What JavaScript itself asks any object for is simply not there. */
function unknownModels(known: readonly string[], hasDataModel: boolean): object {
  const target = Object.create(Object.prototype) as object;
  return new Proxy(target, {
    get(_target, name) {
      if (
        typeof name === 'symbol' ||
        name in target ||
        ['then', 'toJSON', 'inspect', 'nodeType', '$$typeof', 'asymmetricMatch'].includes(name)
      )
        return Reflect.get(target, name) as unknown;
      throw unknownModel(name, { known, hasDataModel });
    },
    set(_target, name) {
      throw new CloudCodeError(
        'unknown_model',
        `DB.${String(name)} cannot be set: the models are those of the data model.`,
      );
    },
  });
}

function unknownModel(
  name: string,
  { known, hasDataModel }: { readonly known: readonly string[]; readonly hasDataModel: boolean },
): CloudCodeError {
  if (!hasDataModel)
    return new CloudCodeError(
      'unknown_model',
      `There is no model \`${name}\`: the project has no data model. Write one in schema.xml, at the root of the project.`,
    );
  const nearest = suggest(name, [...known, 'Batch']);
  const hint =
    nearest !== null
      ? `Did you mean DB.${nearest}?`
      : known.length === 0
        ? 'It has none.'
        : known.length > 20
          ? `It has ${known.length} others.`
          : `It has ${known.join(', ')}.`;
  return new CloudCodeError('unknown_model', `The data model has no model \`${name}\`. ${hint}`);
}
