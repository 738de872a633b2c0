import { CloudCodeError } from '../../engine/core/errors.ts';
import { databaseObjectMark } from '../../engine/core/marks.ts';
import type { InspectOptions } from 'node:util';
import type { Model } from '../model/data-model.ts';
import { type ModelObject, type ObjectState, unknownField } from './database.ts';
import { inspectObject, objectToJson } from './object-values.ts';
import { destroyObject, readSaveOptions, reloadObject, saveObject } from './write-object.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * What copies of an object's own properties meet, in place of giving `{}`: `{ ...object }`, `Object.entries`, `structuredClone`. Its fields are its class's: as properties of its own they would take
 * 9 µs of each object that is read, where this takes 0.3 and reading an object without takes 4.
 */
const copiesRefused: PropertyDescriptor = {
  enumerable: true,
  get(this: unknown) {
    const model = DatabaseObject.stateOf(this)?.type.model.name ?? 'the data model';
    throw new CloudCodeError(
      'invalid_value',
      `An object of \`${model}\` is not copied as plain objects are, because its fields are not properties of its own. Write { ...object.toJSON() }.`,
    );
  },
};

/** An object of the data model, as a task sees it. Each model has a class that adds its fields and relationships. */
export class DatabaseObject implements ModelObject {
  readonly #state: ObjectState;

  constructor(state: ObjectState) {
    this.#state = state;
    Object.defineProperty(this, 'toJSON()', copiesRefused);
  }

  /** What an object holds; null for anything that is no object of the data model. */
  static stateOf(value: unknown): ObjectState | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null;
  }

  /** Stores it: all of a new object, else what was changed since it was read or saved; nothing when nothing was. `ifUnchanged` refuses when somebody else has saved it since. */
  save(options?: unknown): Promise<void> {
    return this.#state.type.database.track(save(this.#state, options));
  }

  /** Reads it again. Changes that were not saved are dropped. */
  reload(): Promise<void> {
    return this.#state.type.database.track(reloadObject(this.#state));
  }

  destroy(): Promise<void> {
    return this.#state.type.database.track(destroyObject(this.#state));
  }

  /** All its values as JSON has them; of files all but the bytes. */
  toJSON(): Record<string, unknown> {
    return objectToJson(this.#state);
  }

  [inspectMark](
    depth: number,
    options: InspectOptions,
    inspect: (value: unknown, options: InspectOptions) => string,
  ): string {
    return inspectObject(this.#state, (value) => inspect(value, { ...options, depth }));
  }

  get [databaseObjectMark](): string {
    return this.#state.type.model.name;
  }
}

/** Awaited and not returned: that would call the `then` that the task may have put in place of Promise's own. */
async function save(state: ObjectState, options: unknown): Promise<void> {
  await saveObject(state, readSaveOptions(`${state.type.model.name}.save`, options));
}

/** A prototype that refuses to set what an object does not have. Reading it gives undefined, as in all of JavaScript. */
function refuseUnknownFields(modelOf: (receiver: unknown) => Model | null): object {
  // The methods of Object.prototype are there for reading.
  const target: object = Object.create(Object.prototype) as object;
  return new Proxy(target, {
    set(_target, name, value: unknown, receiver: object) {
      const model = modelOf(receiver);
      if (typeof name === 'symbol' || model === null)
        return Reflect.defineProperty(receiver, name, { value, writable: true, enumerable: true, configurable: true });
      throw unknownField(model, name);
    },
  });
}

// At the end of the chain of prototypes, where only names come that an object does not have: reading a field costs nothing for it.
Object.setPrototypeOf(
  DatabaseObject.prototype,
  refuseUnknownFields((receiver) => DatabaseObject.stateOf(receiver)?.type.model ?? null),
);
Object.freeze(DatabaseObject.prototype);
