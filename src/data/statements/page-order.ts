import { argumentValue } from '../expression/argument-values.ts';
import { type Attribute, attributesOf } from '../expression/attributes.ts';
import type { OrderTerm } from '../expression/check-order.ts';
import type { Model } from '../model/data-model.ts';
import { isReadable } from '../model/field-values.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import { columnOf, typeOf } from './columns.ts';
import type { Parameters } from './statement.ts';

/** The list for ORDER BY. The id comes last, so that every object has one place. Nulls are last ascending and first descending. */
export function orderBy(terms: readonly OrderTerm[]): string {
  return [
    ...terms.map(({ attribute, isDescending }) => `${columnOf(attribute)}${isDescending ? ' desc' : ''}`),
    't."id"',
  ].join(', ');
}

/**
 * What comes after a place in the order, in parts that have no object in common and that an index on the order's fields can serve one by one.
 * `after` has the values of the order's fields at that place, and the id.
 */
export function placesAfter(
  model: Model,
  { terms, after }: { readonly terms: readonly OrderTerm[]; readonly after: readonly WireValue[] },
  parameters: Parameters,
): readonly string[] {
  const id = attributesOf(model).get('id');
  if (id === undefined || after.length !== terms.length + 1)
    throw new Error(
      `a page after ${after.length} values was asked for in an order of ${terms.length} fields and the id`,
    );
  const steps = [...terms, { attribute: id, isDescending: false }].map((term, index) =>
    stepOf(term, after[index] ?? null, parameters),
  );
  return steps.flatMap(({ next }, index) => {
    const same = steps.slice(0, index).map((step) => step.same);
    return next.map((part) => [...same, part].join(' and '));
  });
}

interface Step {
  readonly same: string;
  readonly next: readonly string[];
}

function stepOf({ attribute, isDescending }: OrderTerm, value: WireValue, parameters: Parameters): Step {
  const column = columnOf(attribute);
  if (value === null) return { same: `${column} is null`, next: isDescending ? [`${column} is not null`] : [] };
  const parameter = parameters.add(placeValue(attribute, value), typeOf(attribute));
  const same = `${column} = ${parameter}`;
  if (isDescending) return { same, next: [`${column} < ${parameter}`] };
  return {
    same,
    next: attribute.kind === 'id' ? [`${column} > ${parameter}`] : [`${column} > ${parameter}`, `${column} is null`],
  };
}

function placeValue(attribute: Attribute, value: WireValue): unknown {
  // NaN and the like have a place in the order too.
  if (attribute.kind === 'field' && typeof value === 'string' && !isReadable(attribute.field, value)) return value;
  return argumentValue(value, {
    attribute,
    operator: '<',
    label: `the place in the order of ${attribute.name}`,
    refuse: (message) => new Error(message),
  });
}
