import type { BelongsTo, Field, HasMany, Model } from '../../core/data-model.ts';
import { CloudCodeError } from '../../core/errors.ts';
import { toWire } from '../../core/field-values.ts';
import { forTask } from '../task-error.ts';
import { assignId, readBelongsTo, setBelongsTo } from './belongs-to.ts';
import type { Database, ModelType } from './database.ts';
import { DatabaseObject } from './database-object.ts';
import { newId } from './new-id.ts';
import { ObjectState } from './object-state.ts';
import { allOf, Query } from './query.ts';
import { readField } from './read-field.ts';

/** Makes the class of a model's objects. */
export function modelType(database: Database, model: Model): ModelType {
  const columns = ['id', ...model.fields.map(({ name }) => name), ...model.belongsTo.map(({ name }) => `${name}_id`)];
  const places = new Map(columns.map((column, place) => [column, place]));
  const placeOf = (column: string): number => places.get(column) ?? -1;
  const ObjectOfModel = objectClass(model, placeOf);
  const type: ModelType = {
    database, model, columns, placeOf,
    create: () => new ObjectOfModel(new ObjectState(type, [newId(), ...Array<null>(columns.length - 1).fill(null)], true)),
    fromRow: (row) => new ObjectOfModel(new ObjectState(type, row, false)),
  };
  return type;
}

function objectClass(model: Model, placeOf: (column: string) => number): typeof DatabaseObject {
  const ObjectOfModel = class extends DatabaseObject {};
  const { prototype } = ObjectOfModel;
  Object.defineProperty(ObjectOfModel, 'name', { value: model.name });
  defineAccessor(prototype, 'id', {
    get: ({ id }) => id,
    set: ({ title }) => refuse(`${title}: the id of an object never changes.`),
  });
  for (const field of model.fields) defineField(prototype, field, placeOf(field.name));
  for (const belongsTo of model.belongsTo) defineBelongsTo(prototype, belongsTo, placeOf(`${belongsTo.name}_id`));
  for (const hasMany of model.hasMany) defineHasMany(prototype, hasMany);
  return ObjectOfModel;
}

function defineField(prototype: object, field: Field, place: number): void {
  defineAccessor(prototype, field.name, {
    get: (state) => readField(state, field, place),
    set: (state, value) => state.assign(place, forTask(() => toWire(state.type.model.name, field, value))),
  });
}

/** `asset.building(b)` sets, `await asset.building()` reads. */
function defineBelongsTo(prototype: object, belongsTo: BelongsTo, place: number): void {
  const { name } = belongsTo;
  defineAccessor(prototype, name, {
    get: (state) => (...given: readonly unknown[]) => {
      if (given.length === 0) return state.type.database.handOut(readBelongsTo(state, belongsTo, place));
      setBelongsTo(state, { belongsTo, place, other: given[0], otherState: DatabaseObject.stateOf(given[0]) });
      return undefined;
    },
    set: ({ type }) => refuse(`${type.model.name}.${name} is set by a call: object.${name}(other), or object.${name}_id = other.id.`),
  });
  defineAccessor(prototype, `${name}_id`, {
    get: (state) => state.valueAt(place),
    set: (state, id) => assignId(state, { belongsTo, place, id }),
  });
}

function defineHasMany(prototype: object, hasMany: HasMany): void {
  const { name, model, inverseOf } = hasMany;
  defineAccessor(prototype, name, {
    get: (state): Query => {
      const query = allOf(state.type.database.typeOf(model)).where(`${inverseOf} = ?`, state.id);
      const related = state.related.get(name);
      return related !== undefined && 'objects' in related ? Query.answered(query, related.objects) : query;
    },
    set: ({ type }) => refuse(`${type.model.name}.${name} is a query and cannot be set. Set it on the other side: object.${inverseOf}(this object).`),
  });
}

interface Accessor {
  readonly get: (state: ObjectState) => unknown;
  readonly set: (state: ObjectState, value: unknown) => void;
}

function defineAccessor(prototype: object, name: string, { get, set }: Accessor): void {
  Object.defineProperty(prototype, name, {
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

function refuse(message: string): never {
  throw new CloudCodeError('invalid_value', message);
}
