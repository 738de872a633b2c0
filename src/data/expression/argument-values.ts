import type { Field } from '../model/data-model.ts';
import { databaseObjectMark } from '../../engine/core/marks.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';
import { type Attribute, describeAttribute } from './attributes.ts';
import { dateValue, timeValue } from './date-values.ts';
import { typeOfField } from '../model/field-values.ts';
import type { Operator } from '../model/operators.ts';

/** A value as it travels to the database; the protocol's WireValue without objects. */
export type ArgumentValue = Scalar | readonly Scalar[];
type Scalar = string | number | boolean | null;

/** One argument of an expression: what it is compared with, and how to refuse it. */
export interface Argument {
  readonly attribute: Attribute;
  readonly operator: Operator;
  /** For messages: "argument 1". */
  readonly label: string;
  readonly refuse: (message: string, hint?: string) => Error;
}

/**
 * The value of an argument as it travels: of the attribute's type, and for `=`, `!=`, `in` and `contains` on a choice one of its keys.
 * What came out goes in again unchanged.
 * @throws what `refuse` makes
 */
export function argumentValue(value: unknown, argument: Argument): ArgumentValue {
  const { attribute, operator, label, refuse } = argument;
  if (value === undefined) throw refuse(`${capitalised(label)} is undefined.`, 'Pass null for "is null".');
  const isSet = attribute.kind === 'field' && typeOfField(attribute.field).choice === 'many' && operator !== 'contains';
  const items = listOf(value);
  if (operator !== 'in' && !isSet) {
    if (items !== null)
      throw refuse(
        `${capitalised(label)} is a list, which \`${operator}\` does not take.`,
        operator === '=' ? 'Write `in ?`.' : undefined,
      );
    return value === null ? null : scalarValue(value, argument);
  }
  if (value === null && isSet) return null;
  if (items === null)
    throw refuse(
      `${capitalised(label)} is ${describeValue(value)}; \`${attribute.name} ${operator} ?\` takes an array.`,
      isSet ? undefined : 'Write `= ?`, or give an array.',
    );
  return items.map((item, index) => itemValue(item, { ...argument, label: `${label}[${index}]` }, isSet));
}

function listOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value as readonly unknown[];
  return Object.prototype.toString.call(value) === '[object Set]' ? [...(value as Iterable<unknown>)] : null;
}

function itemValue(item: unknown, argument: Argument, isSet: boolean): Scalar {
  if (item === undefined || (item === null && isSet))
    throw argument.refuse(`${capitalised(argument.label)} is ${item === null ? 'null' : 'undefined'}.`);
  return item === null ? null : scalarValue(item, argument);
}

function scalarValue(value: unknown, argument: Argument): Scalar {
  const { attribute } = argument;
  if (attribute.kind !== 'field') return idValue(value, argument);
  if (isDatabaseObject(value))
    throw mismatch(value, argument, 'Only an id or a belongs-to can be compared with an object.');
  return fieldValue(value, attribute.field, argument);
}

function fieldValue(value: unknown, field: Field, argument: Argument): Scalar {
  const { comparedWith, choice } = typeOfField(field);
  switch (comparedWith) {
    case 'text': {
      const text = textValue(value, argument);
      return choice === null ? text : keyValue(text, field, argument);
    }
    case 'number': {
      const number = numberValue(value, argument);
      return choice === null ? number : keyValue(number, field, argument);
    }
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, argument, 'Give true, false or null.');
      return value;
    case 'day':
      return dateValue(value, (hint) => mismatch(value, argument, hint));
    case 'time':
      return timeValue(value, (hint) => mismatch(value, argument, hint));
    case null:
      throw mismatch(value, argument, 'It can be compared with null only.');
  }
}

function textValue(value: unknown, argument: Argument): string {
  if (typeof value !== 'string')
    throw mismatch(value, argument, typeof value === 'number' ? 'Give a string: String(value).' : undefined);
  if (value.includes('\0'))
    throw argument.refuse(`${capitalised(argument.label)} holds the character U+0000, which no stored text has.`);
  if (!value.isWellFormed())
    throw argument.refuse(`${capitalised(argument.label)} holds a lone surrogate: it is no valid Unicode text.`);
  return value;
}

function numberValue(value: unknown, argument: Argument): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? 0 : value;
  const isConvertible =
    typeof value === 'bigint' || (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)));
  throw mismatch(value, argument, isConvertible ? 'Give a number: Number(value).' : undefined);
}

/** `<` and its like compare with anything; what must be equal must be a key, now or of old. */
function keyValue<Key extends string | number>(value: Key, field: Field, argument: Argument): Key {
  if (argument.operator.startsWith('<') || argument.operator.startsWith('>')) return value;
  const keys = field.options.map(({ key }) => key);
  if (keys.includes(value) || field.formerKeys?.includes(value) === true) return value;
  const nearest = suggest(String(value), keys.map(String));
  throw argument.refuse(
    `\`${field.name}\` has no option ${JSON.stringify(value)} (${argument.label}).`,
    nearest === null
      ? `The options are ${keys.map((key) => JSON.stringify(key)).join(', ')}.`
      : `Did you mean ${JSON.stringify(typeof value === 'number' ? Number(nearest) : nearest)}?`,
  );
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function idValue(value: unknown, argument: Argument): string {
  const { attribute, label, refuse } = argument;
  if (typeof value === 'string') {
    if (uuid.test(value)) return value.toLowerCase();
    throw refuse(
      `${capitalised(label)} is ${describeValue(value)}, which is no id.`,
      'An id is a UUID, such as object.id.',
    );
  }
  if (!isDatabaseObject(value)) throw mismatch(value, argument, 'Give an object, its id, or null.');
  const wanted =
    attribute.kind === 'belongs-to' ? attribute.belongsTo.model : attribute.kind === 'id' ? attribute.model : '';
  const model = String(value[databaseObjectMark]);
  if (model !== wanted)
    throw refuse(`${capitalised(label)} is an object of \`${model}\`; ${describeAttribute(attribute)}.`);
  return idValue(value.id, argument);
}

function isDatabaseObject(value: unknown): value is { readonly [databaseObjectMark]: unknown; readonly id: unknown } {
  return typeof value === 'object' && value !== null && databaseObjectMark in value;
}

function mismatch(value: unknown, { attribute, label, refuse }: Argument, hint: string | undefined): Error {
  return refuse(`${describeAttribute(attribute)}; ${label} is ${describeValue(value)}.`, hint);
}

function capitalised(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}
