import type { DataModel, Model } from '../model/data-model.ts';
import { type Column, columnsOfModel, idColumn, quoteName, tableName } from '../statements/columns.ts';
import type { Step } from './apply-step.ts';
import { checkDefinition, checksOf } from './checks.ts';
import { type Conflict, conflictsOf, foreignTable } from './conflicts.ts';
import { isWidening } from './convert.ts';
import { indexShape } from './index-shape.ts';
import { addCheck, planChecks } from './plan-checks.ts';
import { createIndex, planIndexes } from './plan-indexes.ts';
import type { Catalog, Relation } from './read-catalog.ts';

export interface Plan {
  readonly steps: readonly Step[];
  /** When there are any, no step may be taken. */
  readonly conflicts: readonly Conflict[];
}

/**
 * What brings the tables of a schema to a data model. After any of the steps, a new plan leads to the same end. What the model does not have
 * (any more) is left alone, but for indexes of our own on tables of its models.
 */
export function planTables(schema: string, catalog: Catalog, dataModel: DataModel): Plan {
  const plans = dataModel.models.map((model) => planTable(schema, catalog.relations.get(model.name) ?? null, model));
  const of = (phase: keyof Omit<TablePlan, 'conflicts'>): readonly Step[] => plans.flatMap((plan) => plan[phase]);
  const first: Step = { what: `adding schema ${schema}`, sql: `create schema ${quoteName(schema)}`, waits: 'briefly' };
  return {
    steps: [...(catalog.hasSchema ? [] : [first]), ...of('columns'), ...of('indexes'), ...of('drops')],
    conflicts: plans.flatMap((plan) => plan.conflicts),
  };
}

interface TablePlan {
  readonly conflicts: readonly Conflict[];
  readonly columns: readonly Step[];
  readonly indexes: readonly Step[];
  readonly drops: readonly Step[];
}

function planTable(schema: string, relation: Relation | null, model: Model): TablePlan {
  const nothing = { conflicts: [], columns: [], indexes: [], drops: [] };
  if (relation === null) return { ...nothing, columns: createTable(schema, model) };
  if (!relation.isTable || !relation.hasId)
    return { ...nothing, conflicts: [foreignTable(schema, model.name, relation)] };
  const conflicts = conflictsOf(schema, relation, model);
  if (conflicts.some(({ misfitsSql }) => misfitsSql === null)) return { ...nothing, conflicts };
  const { drops: dropChecks, adds: addChecks } = planChecks(schema, relation, model);
  return {
    conflicts,
    columns: [
      ...dropChecks,
      ...addColumns(schema, relation, model),
      ...widenColumns(schema, relation, model),
      ...addChecks,
    ],
    ...planIndexes(schema, relation, model),
  };
}

/** No task knows the table yet, so its indexes need not be built beside writers: nothing else in the database is waited for. */
function createTable(schema: string, model: Model): readonly Step[] {
  // No model and no index can be called like the constraint, whose index has a name among theirs.
  const id = `${quoteName(idColumn.name)} ${idColumn.type} constraint ${quoteName(`${model.name}~pkey`)} primary key`;
  const columns = columnsOfModel(model);
  const sql = `create table ${tableName(schema, model.name)} (${[id, ...columns.map(definition), ...columns.flatMap((column) => checksOf(column, column.type)).map(checkDefinition)].join(', ')})`;
  const indexes = model.indexes.map((index) => indexShape(model, index));
  return [
    { what: `adding table ${model.name}`, sql, waits: 'briefly', adds: { table: model.name, columns: null } },
    ...indexes.map((shape): Step => ({
      what: `adding index ${shape.name}`,
      sql: createIndex('create index', { schema, model: model.name, shape }),
      waits: 'briefly',
    })),
  ];
}

function addColumns(schema: string, { columns }: Relation, model: Model): readonly Step[] {
  const missing = columnsOfModel(model).filter(({ name }) => !columns.has(name));
  if (missing.length === 0) return [];
  const checks = missing.flatMap((column) => checksOf(column, column.type)).map(addCheck);
  const sql = `alter table ${tableName(schema, model.name)} ${[...missing.map((column) => `add column ${definition(column)}`), ...checks].join(', ')}`;
  const names = missing.map(({ name }) => name);
  const what = `adding ${names.map((name) => `${model.name}.${name}`).join(', ')}`;
  return [{ what, sql, waits: 'briefly', adds: { table: model.name, columns: names } }];
}

/** Every integer is a double. PostgreSQL writes the whole table anew, which nobody reads meanwhile. */
function widenColumns(schema: string, { columns }: Relation, model: Model): readonly Step[] {
  return columnsOfModel(model)
    .filter(({ name, type }) => isWidening(columns.get(name), type))
    .map((column) => ({
      what: `widening ${model.name}.${column.name} from integer to number`,
      sql: `alter table ${tableName(schema, model.name)} ${[`alter column ${quoteName(column.name)} type ${column.type}`, ...checksOf(column, column.type).map(addCheck)].join(', ')}`,
      waits: 'briefly',
    }));
}

function definition({ name, type }: Column): string {
  return `${quoteName(name)} ${type}`;
}
