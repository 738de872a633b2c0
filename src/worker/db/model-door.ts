import { CloudCodeError } from '../../core/errors.ts';
import { describeValue } from '../../core/parameters-json.ts';
import type { ModelType } from './database.ts';
import { DatabaseObject } from './database-object.ts';
import { allOf, type Query } from './query.ts';
import { unknownField } from './unknown-fields.ts';
import { isUuid } from './uuid.ts';

const inspectMark: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** `DB.asset`: where a task finds and creates the objects of a model. */
export interface ModelDoor {
  create(attributes?: unknown): DatabaseObject;
  first(...given: readonly unknown[]): Promise<DatabaseObject | null>;
  all(): Query;
  where(expression: string, ...args: readonly unknown[]): Query;
}

export function modelDoor(type: ModelType): ModelDoor {
  const { model, database } = type;
  const door: ModelDoor = {
    create: (...given) => createObject(type, given),
    first: (...given) => database.handOut(findFirst(type, given)),
    all: () => allOf(type),
    where: (expression, ...args) => allOf(type).where(expression, ...args),
  };
  const names = [...model.fields, ...model.belongsTo, ...model.hasMany].map(({ name }) => name).join(', ');
  Object.defineProperty(door, inspectMark, { value: () => `DB.${model.name} (${names})` });
  return Object.freeze(door);
}

/** @throws CloudCodeError `unknown_field`, `invalid_value` */
function createObject(type: ModelType, given: readonly unknown[]): DatabaseObject {
  const object = type.create();
  if (given.length === 0) return object;
  const attributes = plainAttributes(type, given[0]);
  for (const [name, value] of Object.entries(attributes)) {
    if (type.model.belongsTo.some((belongsTo) => belongsTo.name === name)) (Reflect.get(object, name) as (other: unknown) => void)(value);
    else if (name in object && type.placeOf(name) < 1 && !type.model.hasMany.some((hasMany) => hasMany.name === name)) throw refused(type, name);
    else Reflect.set(object, name, value);
  }
  return object;
}

function refused({ model }: ModelType, name: string): CloudCodeError {
  return name === 'id' ? new CloudCodeError('invalid_value', `${model.name}.create: the id of a new object is made for it and cannot be given.`) : unknownField(model, name);
}

function plainAttributes({ model }: ModelType, attributes: unknown): object {
  const isObject = typeof attributes === 'object' && attributes !== null && Object.prototype.toString.call(attributes) === '[object Object]';
  if (isObject && DatabaseObject.stateOf(attributes) === null) return attributes;
  throw new CloudCodeError('invalid_value', `DB.${model.name}.create takes an object with the values of fields; this is ${describeValue(attributes)}.`);
}

async function findFirst(type: ModelType, given: readonly unknown[]): Promise<DatabaseObject | null> {
  const [first, ...args] = given;
  const all = allOf(type);
  if (given.length === 0) return all.first();
  const call = `DB.${type.model.name}.first`;
  if (first === undefined || first === null) {
    throw new CloudCodeError('invalid_query', `${call}(${String(first)}): there is no id. For any object at all, call first() without an argument.`);
  }
  if (typeof first !== 'string') {
    const mend = DatabaseObject.stateOf(first) === null ? "Write first(id), or first('make = ?', 'Nokia')." : 'Give its id.';
    throw new CloudCodeError('invalid_query', `${call} takes an id or an expression; this is ${describeValue(first)}. ${mend}`);
  }
  if (args.length === 0 && isUuid(first)) return all.where('id = ?', first).first();
  if (args.length === 0 && !/[?=<>\s]/.test(first)) {
    throw new CloudCodeError('invalid_query', `${call}(${describeValue(first)}): this is neither an id, which is a UUID, nor an expression such as 'make = ?'.`);
  }
  return all.where(first, ...args).first();
}
