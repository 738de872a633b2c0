import type { Attribute } from '../expression/attributes.ts';
import { belongsToColumn, columnsOf, idColumn, quoteName } from './columns.ts';

/** The column of the table `t` that shows an attribute; of a location or a stored file the one that is null when it is. */
export function columnOf(attribute: Attribute): string {
  return `t.${quoteName(columnName(attribute))}`;
}

function columnName(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'id':
      return idColumn.name;
    case 'belongs-to':
      return belongsToColumn(attribute.belongsTo).name;
    case 'field':
      return columnsOf(attribute.field)[0]?.name ?? attribute.field.name;
  }
}

/** The type of the values that an attribute is compared with; a whole number's is wider than its column. */
export function typeOf(attribute: Attribute): string {
  if (attribute.kind !== 'field') return 'uuid';
  switch (attribute.field.type) {
    case 'text':
    case 'single-choice':
      return 'text';
    case 'integer':
    case 'single-choice-integer':
      return 'bigint';
    case 'number':
      return 'double precision';
    case 'date':
      return 'date';
    case 'datetime':
      return 'timestamptz';
    case 'boolean':
      return 'boolean';
    case 'multiple-choice':
      return 'text[]';
    case 'multiple-choice-integer':
      return 'integer[]';
    case 'location':
    case 'attachment':
    case 'photo':
    case 'signature':
      return 'text';
  }
}
