import type { BelongsTo, Field, HasMany, Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { toWire } from '../model/field-values.ts';
import { forTask } from '../../engine/worker/task-error.ts';
import { assignId, readBelongsTo, setBelongsTo } from './belongs-to.ts';
import { DatabaseObject } from './database-object.ts';
import type { ObjectState } from './object-state.ts';
import { allOf, Query } from './query.ts';
import { readField } from './read-field.ts';

/** How a property of an object is read and set. */
export interface Accessor {
  readonly get: (state: ObjectState) => unknown;
  readonly set: (state: ObjectState, value: unknown) => void;
}

/** The properties of a model's objects by name: their id, fields and relationships. */
export function accessorsOf(model: Model, placeOf: (column: string) => number): ReadonlyMap<string, Accessor> {
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
