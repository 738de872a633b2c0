import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import type { ModelType } from './database.ts';
import { newId } from '../../engine/protocol/new-id.ts';
import { unknownField } from './unknown-fields.ts';
import { isUuid } from './uuid.ts';

/** What is to be added to the fields of an object. */
export interface Increment {
  readonly model: string;
  readonly id: string;
  readonly fields: readonly string[];
  /** As JSON: `{ id, <field>: amount }`. */
  readonly row: string;
}

/**
 * Adds to numbers of an object, in the database: whoever else does so too, nothing is lost.
 * @returns the new values of these fields
 * @throws CloudCodeError `object_not_found`, `unknown_field`, `invalid_value`
 */
export async function incrementObject(
  type: ModelType,
  id: unknown,
  amounts: unknown,
): Promise<Readonly<Record<string, number>>> {
  const { model, fields, row, id: given } = readIncrement(type, `DB.${type.model.name}.increment`, { id, amounts });
  const {
    incremented: [sums = []],
  } = await type.database.write(newId(), [
    [{ do: 'increment', model, columns: fields, ids: [given], rows: `[${row}]` }],
  ]);
  return sumsOf(fields, sums);
}

export function sumsOf(fields: readonly string[], sums: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(fields.map((field, place) => [field, sums[place] ?? 0]));
}

/** @throws CloudCodeError `unknown_field`, `invalid_value` */
export function readIncrement(
  { model }: ModelType,
  call: string,
  { id, amounts }: { readonly id: unknown; readonly amounts: unknown },
): Increment {
  if (!isUuid(id)) {
    const hint = typeof id === 'object' && id !== null ? 'Give its id.' : 'An id is a UUID.';
    throw new CloudCodeError(
      'invalid_value',
      `${call} takes the id of an object; this is ${describeValue(id)}. ${hint}`,
    );
  }
  if (typeof amounts !== 'object' || amounts === null || Array.isArray(amounts)) {
    throw new CloudCodeError(
      'invalid_value',
      `${call} takes the amounts by field, such as { count: 1 }; this is ${describeValue(amounts)}.`,
    );
  }
  const entries = Object.entries(amounts as Readonly<Record<string, unknown>>);
  if (entries.length === 0)
    throw new CloudCodeError(
      'invalid_value',
      `${call}: no field is named. Name one with its amount, such as { count: 1 }.`,
    );
  const row: Record<string, string | number> = { id: id.toLowerCase() };
  for (const [name, amount] of entries) row[name] = checkAmount(model, name, amount);
  return { model: model.name, id: id.toLowerCase(), fields: entries.map(([name]) => name), row: JSON.stringify(row) };
}

function checkAmount(model: ModelType['model'], name: string, amount: unknown): number {
  const type = model.fields.find((field) => field.name === name)?.type;
  const title = `${model.name}.${name}`;
  if (
    type === undefined &&
    [...model.belongsTo, ...model.hasMany].every((each) => ![each.name, `${each.name}_id`].includes(name)) &&
    name !== 'id'
  )
    throw unknownField(model, name);
  if (type !== 'integer' && type !== 'number')
    throw new CloudCodeError(
      'invalid_value',
      `${title} is no field of type integer or number: nothing can be added to it.`,
    );
  if (typeof amount !== 'number' || !Number.isFinite(amount)) {
    const hint = typeof amount === 'string' || typeof amount === 'bigint' ? ' Convert it: Number(value).' : '';
    throw new CloudCodeError(
      'invalid_value',
      `${title}: ${typeof amount === 'number' ? amount : describeValue(amount)} is no finite number, so it cannot be added.${hint}`,
    );
  }
  if (type === 'integer' && !Number.isSafeInteger(amount))
    throw new CloudCodeError(
      'invalid_value',
      `${title}: ${amount} is no integer. Round it, or make the field a number.`,
    );
  return amount;
}
