import type { DataModel, Field, Model } from '../../core/data-model.ts';
import { belongsToColumn, type Column, columnsOf, idColumn, quoteName, tableName } from '../columns.ts';
import { planIndexes } from './plan-indexes.ts';
import type { StoredTable, StoredTables } from './read-tables.ts';
import type { Step } from './step.ts';

/** A column whose type cannot be changed without a decision. */
export interface Conflict {
  readonly model: string;
  readonly field: string;
  readonly column: string | null;
  readonly from: string;
  readonly to: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly conflicts: readonly Conflict[];
}

/**
 * What is missing in an environment's schema for a data model. Nothing is ever taken away but indexes: a field or model that is
 * no longer there keeps its column or table, and shows what it holds when it comes back.
 */
export function planTables(schema: string, stored: StoredTables, { models }: DataModel): Plan {
  const steps: Step[] = [];
  const conflicts: Conflict[] = [];
  if (!stored.hasSchema) steps.push({ says: `adding schema ${schema}`, locks: null, sql: [`create schema if not exists ${quoteName(schema)}`] });
  for (const model of models) {
    const table = stored.tables.get(model.name);
    if (table === undefined) {
      steps.push(createTable(schema, model));
    } else if (!table.isOfModel) {
      conflicts.push({ model: model.name, field: 'id', column: null, from: 'a table without the primary key "id" uuid', to: 'a table of a model' });
      continue;
    } else {
      const change = changeTable(schema, model, table);
      steps.push(...change.steps);
      conflicts.push(...change.conflicts);
    }
    steps.push(...planIndexes(schema, model, table?.indexes ?? new Map()));
  }
  return { steps, conflicts };
}

interface OwnedColumn extends Column {
  readonly field: string;
}

function columnsOfModel(model: Model): readonly OwnedColumn[] {
  const owned = (field: Field): readonly OwnedColumn[] => columnsOf(field).map((column) => ({ ...column, field: field.name }));
  return [...model.fields.flatMap(owned), ...model.belongsTo.map((belongsTo) => ({ ...belongsToColumn(belongsTo), field: belongsTo.name }))];
}

function createTable(schema: string, model: Model): Step {
  const columns = [`${quoteName(idColumn.name)} uuid primary key`, ...columnsOfModel(model).map(({ name, type }) => `${quoteName(name)} ${type}`)];
  return { says: `adding table ${model.name}`, locks: null, sql: [`create table if not exists ${tableName(schema, model.name)} (\n  ${columns.join(',\n  ')}\n)`] };
}

function changeTable(schema: string, model: Model, table: StoredTable): Plan {
  const name = tableName(schema, model.name);
  const added: OwnedColumn[] = [];
  const widened: OwnedColumn[] = [];
  const conflicts: Conflict[] = [];
  for (const column of columnsOfModel(model)) {
    const from = table.columns.get(column.name);
    const to = withoutCollation(column.type);
    if (from === undefined) added.push(column);
    else if (from === 'integer' && to === 'double precision') widened.push(column);
    else if (from !== to) conflicts.push({ model: model.name, field: column.field, column: column.name, from, to });
  }
  const steps: Step[] = [];
  if (added.length > 0) {
    const additions = added.map((column) => `add column if not exists ${quoteName(column.name)} ${column.type}`);
    const fields = [...new Set(added.map(({ field }) => field))];
    steps.push({ says: `adding ${fields.join(', ')} to ${model.name}`, locks: name, sql: [`alter table ${name} ${additions.join(', ')}`] });
  }
  for (const column of widened) {
    // Every 32-bit integer is a double: nothing is lost, though the table is written anew.
    steps.push({ says: `widening ${model.name}.${column.field} to number`, locks: name, sql: [`alter table ${name} alter column ${quoteName(column.name)} type double precision`] });
  }
  return { steps, conflicts };
}

function withoutCollation(type: string): string {
  return type.replace(/ collate .*$/, '');
}
