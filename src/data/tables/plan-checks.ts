import type { Model } from '../model/data-model.ts';
import { columnsOfModel, quoteName, tableName } from '../statements/columns.ts';
import { type Check, checkDefinition, checksOf, ownChecks } from './checks.ts';
import { isNarrowing, isWidening } from './convert.ts';
import type { Step } from './apply-step.ts';
import type { Relation } from './read-catalog.ts';

interface CheckPlan {
  readonly drops: readonly Step[];
  readonly adds: readonly Step[];
}

/**
 * The constraints of columns that are there already. Values from before them may stay as they are: no table is looked through, so that its readers and writers stand still for no longer than a
 * column's adding takes. Only what a column was narrowed to must hold for all.
 */
export function planChecks(schema: string, relation: Relation, model: Model): CheckPlan {
  const table = tableName(schema, model.name);
  const columns = columnsOfModel(model).flatMap((column) => {
    const storedType = relation.columns.get(column.name);
    return storedType === undefined
      ? []
      : [{ ...column, storedType: isWidening(storedType, column.type) ? null : storedType }];
  });
  const wanted = columns.flatMap(({ storedType, ...column }) =>
    storedType === null
      ? []
      : checksOf(column, storedType).map((check) => ({ ...check, isNarrow: isNarrowing(storedType, column.type) })),
  );
  const stale = ownChecks(
    relation,
    columns.map(({ name }) => name),
  ).filter((name) => !wanted.some((check) => check.name === name));
  const missing = wanted.filter(({ name }) => !relation.checks.has(name));
  return {
    drops:
      stale.length === 0
        ? []
        : [
            {
              what: `dropping check ${stale.join(', ')}`,
              sql: `alter table ${table} ${stale.map(dropCheck).join(', ')}`,
              waits: 'briefly',
            },
          ],
    adds: [
      ...(missing.length === 0 ? [] : [addChecks(table, model, missing)]),
      ...wanted
        .filter(({ name, isNarrow }) => isNarrow && relation.checks.get(name)?.isValid !== true)
        .map((check) => validate(table, model, check)),
    ],
  };
}

function addChecks(table: string, model: Model, missing: readonly (Check & { readonly isNarrow: boolean })[]): Step {
  return {
    what: `adding check ${missing.map(({ name }) => `${model.name}.${name}`).join(', ')}`,
    sql: `alter table ${table} ${missing.map(addCheck).join(', ')}`,
    waits: 'briefly',
    unreadable: missing
      .filter(({ isNarrow }) => !isNarrow)
      .map(({ column, condition }) => ({
        of: `${model.name}.${column}`,
        countSql: `select count(*)::double precision as count from ${table} where not (${condition})`,
      })),
  };
}

function validate(table: string, model: Model, { name, column }: Check): Step {
  return {
    what: `making sure that ${model.name}.${column} holds integers alone`,
    sql: `alter table ${table} validate constraint ${quoteName(name)}`,
    waits: 'patiently',
    undo: `alter table ${table} drop constraint if exists ${quoteName(name)}`,
  };
}

export function addCheck(check: Check): string {
  return `add ${checkDefinition(check)} not valid`;
}

function dropCheck(name: string): string {
  return `drop constraint ${quoteName(name)}`;
}
