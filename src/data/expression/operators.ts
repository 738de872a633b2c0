import type { Attribute } from './attributes.ts';

export const operators = ['=', '!=', '<', '>', '<=', '>=', 'contains', 'starts with', 'in'] as const;
export type Operator = (typeof operators)[number];

const equality = ['=', '!='] as const;
const ordered = ['=', '!=', '<', '>', '<=', '>=', 'in'] as const;
const listed = ['=', '!=', 'in'] as const;
const chosen = ['=', '!=', 'contains'] as const;

/** The operators that an attribute can be compared with. A location and a stored file are only `=` or `!=` null. */
export function operatorsOf(attribute: Attribute): readonly Operator[] {
  if (attribute.kind !== 'field') return listed;
  switch (attribute.field.type) {
    case 'text':
      return operators;
    case 'integer':
    case 'number':
    case 'date':
    case 'datetime':
    case 'single-choice':
    case 'single-choice-integer':
      return ordered;
    case 'boolean':
      return listed;
    case 'multiple-choice':
    case 'multiple-choice-integer':
      return chosen;
    case 'location':
    case 'attachment':
    case 'photo':
    case 'signature':
      return equality;
  }
}
