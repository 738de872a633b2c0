import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { forTask } from '../../engine/worker/task-error.ts';
import type { BelongsTo, Field, HasMany, Model } from '../model/data-model.ts';
import { toWire, typeOfField } from '../model/field-values.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import { DatabaseObject } from './database-object.ts';
import { type Database, isUuid, type ModelObject, type ModelType, ObjectState } from './database.ts';
import { readField } from './object-values.ts';
import { allOf, Query } from './query.ts';
import { readById } from './read-pages.ts';

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

/** How a property of an object is read and set. */
export interface Accessor {
  readonly get: (state: ObjectState) => unknown;
  readonly set: (state: ObjectState, value: unknown) => void;
}

/** The properties of a model's objects by name: their id, fields and relationships. */
function accessorsOf(model: Model, placeOf: (column: string) => number): ReadonlyMap<string, Accessor> {
  return new Map<string, Accessor>([
    [
      'id',
      {
        get: ({ id }) => id,
        set: ({ type }) => refuse(`${type.model.name}.id is made with the object and never changes.`),
      },
    ],
    ...model.fields.map((field) => [field.name, ofField(field, placeOf(field.name))] as const),
    ...model.belongsTo.map(
      (belongsTo) => [belongsTo.name, ofBelongsTo(belongsTo, placeOf(`${belongsTo.name}_id`))] as const,
    ),
    ...model.belongsTo.map(
      (belongsTo) => [`${belongsTo.name}_id`, ofBelongsToId(belongsTo, placeOf(`${belongsTo.name}_id`))] as const,
    ),
    ...model.hasMany.map((hasMany) => [hasMany.name, ofHasMany(hasMany)] as const),
  ]);
}

function ofField(field: Field, place: number): Accessor {
  return {
    get: (state) => readField(state, field, place),
    set: (state, value) =>
      state.assign(
        place,
        forTask(() => toWire(state.type.model.name, field, value, state.valueAt(place))),
      ),
  };
}

/** `asset.building(b)` sets, `await asset.building()` reads. */
function ofBelongsTo(belongsTo: BelongsTo, place: number): Accessor {
  const { name } = belongsTo;
  return {
    get:
      (state) =>
      (...given: readonly unknown[]) => {
        if (given.length === 0) return state.type.database.track(readBelongsTo(state, belongsTo, place));
        setBelongsTo(state, { belongsTo, place, other: given[0], otherState: DatabaseObject.stateOf(given[0]) });
        return undefined;
      },
    set: ({ type }) =>
      refuse(`${type.model.name}.${name} is set by a call: object.${name}(other), or object.${name}_id = other.id.`),
  };
}

function ofBelongsToId(belongsTo: BelongsTo, place: number): Accessor {
  return {
    get: (state) => state.valueAt(place),
    set: (state, id) => assignId(state, { belongsTo, place, id }),
  };
}

function ofHasMany({ name, model, inverseOf }: HasMany): Accessor {
  return {
    get: (state): Query => {
      const query = allOf(state.type.database.typeOf(model)).where(`${inverseOf} = ?`, state.id);
      const related = state.related.get(name);
      return related !== undefined && 'objects' in related ? Query.answered(query, related.objects) : query;
    },
    set: ({ type }) =>
      refuse(
        `${type.model.name}.${name} is a query and cannot be set. Set it on the other side: object.${inverseOf}(this object).`,
      ),
  };
}

function refuse(message: string): never {
  throw new CloudCodeError('invalid_value', message);
}

/**
 * The object that a belongs-to refers to: the one that was set, included or read before, else it is read and kept.
 * Null when there is none, or it was destroyed.
 */
async function readBelongsTo(
  state: ObjectState,
  { name, model }: BelongsTo,
  place: number,
): Promise<ModelObject | null> {
  const id = state.idAt(place);
  if (id === null) return null;
  const known = state.related.get(name);
  if (known !== undefined && 'object' in known && known.id === id) return known.object;
  const type = state.type.database.typeOf(model);
  const row = await readById(type, id);
  if (row === null) return null;
  const object = type.fromRow(row);
  state.related.set(name, { id, object });
  return object;
}

export interface Setting {
  readonly belongsTo: BelongsTo;
  readonly place: number;
  /** What was given, and what it holds when it is an object. */
  readonly other: unknown;
  readonly otherState: ObjectState | null;
}

/** @throws CloudCodeError `invalid_value` when it is no object of the model, and not null */
export function setBelongsTo(state: ObjectState, { belongsTo, place, other, otherState }: Setting): void {
  const { name, model } = belongsTo;
  if (other !== null && otherState?.type.model.name !== model)
    throw new CloudCodeError(
      'invalid_value',
      refusalOf(`${state.type.model.name}.${name}`, { belongsTo, other, otherState }),
    );
  state.assign(place, otherState?.id ?? null);
  if (otherState === null) state.related.delete(name);
  else state.related.set(name, { id: otherState.id, object: other as ModelObject });
}

function refusalOf(title: string, { belongsTo: { name, model }, other, otherState }: Omit<Setting, 'place'>): string {
  if (otherState !== null)
    return `${title}: this is an object of \`${otherState.type.model.name}\`; it must be one of \`${model}\`, or null.`;
  const fix =
    typeof other === 'string'
      ? `To set it by its id: object.${name}_id = id.`
      : other instanceof Promise
        ? 'Await it first.'
        : 'Give null for none.';
  return `${title}: ${describeValue(other)} is no object of \`${model}\`. ${fix}`;
}

/** @throws CloudCodeError `invalid_value` when it is no UUID, and not null */
function assignId(
  state: ObjectState,
  { belongsTo: { name }, place, id }: { readonly belongsTo: BelongsTo; readonly place: number; readonly id: unknown },
): void {
  if (id !== null && !isUuid(id)) {
    const fix = typeof id === 'object' ? `Assign its id, or call object.${name}(it).` : 'An id is a UUID, or null.';
    throw new CloudCodeError(
      'invalid_value',
      `${state.type.model.name}.${name}_id: ${describeValue(id)} is no id. ${fix}`,
    );
  }
  state.assign(place, id === null ? null : id.toLowerCase());
}
