import type { Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { type Attribute, attributesOf, describeAttribute, hintForUnknown } from './attributes.ts';

export interface OrderTerm {
  readonly attribute: Attribute;
  readonly isDescending: boolean;
}

const maxTerms = 20;
const unsortable = ['multiple-choice', 'multiple-choice-integer', 'location', 'attachment', 'photo', 'signature'];

/**
 * Reads the fields of `orderBy('make', '-count')`: a leading `-` means descending.
 * @throws CloudCodeError `invalid_order`
 */
export function checkOrder(model: Model, fields: readonly unknown[]): readonly OrderTerm[] {
  if (fields.length > maxTerms)
    throw new CloudCodeError(
      'invalid_order',
      `The order has ${fields.length} fields; at most ${maxTerms} are allowed.`,
    );
  return fields.map((field) => orderTerm(model, field));
}

function orderTerm(model: Model, field: unknown): OrderTerm {
  if (typeof field !== 'string') {
    throw new CloudCodeError('invalid_order', `orderBy takes names of fields; this is ${describeValue(field)}.`, {
      hint: "Write orderBy('make', '-count').",
    });
  }
  const isDescending = field.startsWith('-');
  const name = isDescending ? field.slice(1) : field;
  const attribute = attributesOf(model).get(name);
  if (attribute === undefined) {
    throw new CloudCodeError(
      'invalid_order',
      `The model \`${model.name}\` has no field ${JSON.stringify(name)} to order by.`,
      { hint: hintFor(model, name) },
    );
  }
  if (attribute.kind === 'field' && unsortable.includes(attribute.field.type)) {
    throw new CloudCodeError('invalid_order', `${describeAttribute(attribute)}, which has no order.`);
  }
  return { attribute, isDescending };
}

function hintFor(model: Model, name: string): string {
  const [, first, direction] = /^\+?(\w+)(?:\s+(asc|desc))?$/i.exec(name.trim()) ?? [];
  if (first === undefined || first === name || !attributesOf(model).has(first)) return hintForUnknown(model, name);
  return `Write orderBy('${direction?.toLowerCase() === 'desc' ? '-' : ''}${first}').`;
}
