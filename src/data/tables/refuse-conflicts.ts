import { CloudCodeError } from '../../core/errors.ts';
import type { Queryable } from '../../store/open-store.ts';
import { quoteName, tableName } from '../columns.ts';
import type { Conflict } from './plan-tables.ts';

/** @throws CloudCodeError `data_model_conflict` for all of them together, each with the statement that would do it by hand */
export async function refuseConflicts(db: Queryable, schema: string, conflicts: readonly Conflict[]): Promise<void> {
  if (conflicts.length === 0) return;
  const told = await Promise.all(conflicts.map((conflict) => tell(db, schema, conflict)));
  const [first = ''] = told;
  throw new CloudCodeError('data_model_conflict', told.length === 1 ? first : `${told.length} changes of the data model cannot be made by themselves.\n\n${told.join('\n\n')}`, {
    hint: 'Nothing was changed. Run the statement by hand where it does what you want, or give the field another name, and deploy again.',
  });
}

async function tell(db: Queryable, schema: string, { model, field, column, from, to }: Conflict): Promise<string> {
  const table = tableName(schema, model);
  if (column === null) {
    return `The model \`${model}\` cannot have its table: ${table} is there already, and is ${from}.\n  alter table ${table} rename to ${quoteName(`${model}_old`)};`;
  }
  const name = quoteName(column);
  const [row] = await db.query<{ count: string }>({ name: '', text: `select count(${name})::text as count from ${table}` });
  const count = Number(row?.count ?? 0);
  const values = count === 0 ? 'holds no values' : `holds ${count} value${count === 1 ? '' : 's'}`;
  const statement = count === 0
    ? `alter table ${table} drop column ${name};`
    : `alter table ${table} alter column ${name} type ${to} using ${name}::text::${to};\n  -- or keep them aside: alter table ${table} rename column ${name} to ${quoteName(`${column}_old`)};`;
  return `${model}.${field} cannot become ${to}: its column ${name} is ${from} and ${values}. By hand:\n  ${statement}`;
}
