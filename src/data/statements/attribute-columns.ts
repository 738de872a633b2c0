import type { Attribute } from '../expression/attributes.ts';
import { belongsToColumn, columnsOf, idColumn, ofRow, storedType } from './columns.ts';

/** The column of the table `t` that shows an attribute; of a location or a stored file the one that is null when it is. */
export function columnOf(attribute: Attribute): string {
  return ofRow(columnName(attribute));
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

/** The type of the values that an attribute is compared with. */
export function typeOf(attribute: Attribute): string {
  return attribute.kind === 'field' ? storedType(attribute.field).comparedWith : idColumn.type;
}
