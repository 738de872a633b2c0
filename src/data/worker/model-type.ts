import type { Model } from '../model/data-model.ts';
import { typeOfField } from '../model/field-values.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import { type Accessor, accessorsOf } from './accessors.ts';
import type { Database, ModelType } from './database.ts';
import { DatabaseObject } from './database-object.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { ObjectState } from './object-state.ts';

/** Makes the class of a model's objects. */
export function describeModel(database: Database, model: Model): ModelType {
  const columns = ['id', ...model.fields.map(({ name }) => name), ...model.belongsTo.map(({ name }) => `${name}_id`)];
  const places = new Map(columns.map((column, place) => [column, place]));
  const placeOf = (column: string): number => places.get(column) ?? -1;
  const accessors = accessorsOf(model, placeOf);
  const ObjectOfModel = objectClass(model, accessors);
  const emptyRow: readonly null[] = Array<null>(columns.length).fill(null);
  const modelType: ModelType = {
    database,
    model,
    columns,
    placeOf,
    written: columns.map((_, place) => place).slice(1),
    fileFields: model.fields.filter((field) => typeOfField(field).isFile).map(({ name }) => placeOf(name)),
    setters: new Map([...accessors].map(([name, { set }]) => [name, set])),
    newState: () => {
      const row: WireValue[] = [...emptyRow];
      row[0] = newId();
      return new ObjectState(modelType, row, true);
    },
    objectOf: (state) => new ObjectOfModel(state),
    fromRow: (row) => new ObjectOfModel(new ObjectState(modelType, row, false)),
  };
  return modelType;
}

function objectClass(model: Model, accessors: ReadonlyMap<string, Accessor>): typeof DatabaseObject {
  const ObjectOfModel = class extends DatabaseObject {};
  Object.defineProperty(ObjectOfModel, 'name', { value: model.name });
  for (const [name, { get, set }] of accessors) {
    Object.defineProperty(ObjectOfModel.prototype, name, {
      enumerable: true,
      get(this: unknown) {
        const state = DatabaseObject.stateOf(this);
        return state === null ? undefined : get(state);
      },
      set(this: unknown, value: unknown) {
        const state = DatabaseObject.stateOf(this);
        if (state !== null) set(state, value);
      },
    });
  }
  return ObjectOfModel;
}
