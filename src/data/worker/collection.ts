import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { DatabaseObject } from './database-object.ts';
import { isUuid, type ModelObject, type ModelType, unknownField } from './database.ts';
import { setBelongsTo } from './model-type.ts';
import { allOf, type Query } from './query.ts';
import { readById } from './read-pages.ts';
import { incrementObject } from './write-object.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** `DB.asset`: where a task finds and creates the objects of a model. */
export interface Collection {
  create(attributes?: unknown): ModelObject;
  first(...given: readonly unknown[]): Promise<ModelObject | null>;
  increment(id: unknown, amounts: unknown): Promise<Readonly<Record<string, number>>>;
  all(): Query;
  where(expression: string, ...args: readonly unknown[]): Query;
}

export function collection(type: ModelType): Collection {
  const { model, database } = type;
  const made: Collection = {
    create: (...given) => createObject(type, given),
    first: (...given) => database.track(findFirst(type, given)),
    increment: (id, amounts) => database.track(incrementObject(type, id, amounts)),
    all: () => allOf(type),
    where: (expression, ...args) => allOf(type).where(expression, ...args),
  };
  const names = [...model.fields, ...model.belongsTo, ...model.hasMany].map(({ name }) => name).join(', ');
  Object.defineProperty(made, inspectMark, { value: () => `DB.${model.name} (${names})` });
  types.set(made, type);
  return Object.freeze(made);
}

const types = new WeakMap<object, ModelType>();

/** The model that a `DB.asset` stands for; null for anything else. */
export function typeOfCollection(value: unknown): ModelType | null {
  return typeof value === 'object' && value !== null ? (types.get(value) ?? null) : null;
}

/** @throws CloudCodeError `unknown_field`, `invalid_value` */
function createObject(type: ModelType, given: readonly unknown[]): ModelObject {
  const state = type.newState();
  const object = type.objectOf(state);
  if (given.length === 0) return object;
  const attributes = plainAttributes(type, given[0]);
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    const belongsTo = type.model.belongsTo.find((each) => each.name === name);
    const set = type.setters.get(name);
    if (set === undefined) throw unknownField(type.model, name);
    if (belongsTo === undefined) set(state, value);
    else
      setBelongsTo(state, {
        belongsTo,
        place: type.placeOf(`${name}_id`),
        other: value,
        otherState: DatabaseObject.stateOf(value),
      });
  }
  return object;
}

function plainAttributes({ model }: ModelType, attributes: unknown): Record<string, unknown> {
  const isObject =
    typeof attributes === 'object' &&
    attributes !== null &&
    Object.prototype.toString.call(attributes) === '[object Object]';
  if (isObject && DatabaseObject.stateOf(attributes) === null) return attributes as Record<string, unknown>;
  throw new CloudCodeError(
    'invalid_value',
    `DB.${model.name}.create takes an object with the values of fields; this is ${describeValue(attributes)}.`,
  );
}

async function findFirst(type: ModelType, given: readonly unknown[]): Promise<ModelObject | null> {
  const [first, ...args] = given;
  if (given.length === 0) return allOf(type).first();
  const call = `DB.${type.model.name}.first`;
  if (first === undefined || first === null) {
    throw new CloudCodeError(
      'invalid_query',
      `${call}(${String(first)}): there is no id. For any object at all, call first() without an argument.`,
    );
  }
  if (typeof first !== 'string') {
    const fix =
      DatabaseObject.stateOf(first) === null ? "Write first(id), or first('make = ?', 'Nokia')." : 'Give its id.';
    throw new CloudCodeError(
      'invalid_query',
      `${call} takes an id or an expression; this is ${describeValue(first)}. ${fix}`,
    );
  }
  if (args.length === 0 && isUuid(first)) {
    const row = await readById(type, first);
    return row === null ? null : type.fromRow(row);
  }
  if (args.length === 0 && !/[?=<>\s]/.test(first)) {
    throw new CloudCodeError(
      'invalid_query',
      `${call}(${describeValue(first)}): this is neither an id, which is a UUID, nor an expression such as 'make = ?'.`,
    );
  }
  return allOf(type)
    .where(first, ...args)
    .first();
}
