import { typeOfField } from '../model/field-values.ts';
import type { Session } from '../../engine/store/open-session.ts';
import { quoteName } from '../statements/columns.ts';
import { counted, countWithin, rowsWithin } from './count-values.ts';
import type { ChangedChoice, ChangedReference, Hidden, ModelChanges } from './model-changes.ts';

type Tell = (what: string) => void;

export interface FoundKeys {
  readonly model: string;
  readonly field: string;
  readonly keys: readonly (string | number)[];
}

/** Says of how many values that are there something changes. @returns the keys that objects have, or may have, and that are no options any more */
export async function tellChanges(
  session: Session,
  { hidden, choices, references }: ModelChanges,
  tell: Tell,
): Promise<readonly FoundKeys[]> {
  for (const each of hidden) await tellHidden(session, each, tell);
  for (const each of references) await tellReference(session, each, tell);
  const found: FoundKeys[] = [];
  for (const choice of choices)
    found.push({ model: choice.model, field: choice.field.name, keys: await formerKeysOf(session, choice, tell) });
  return found;
}

async function tellHidden(session: Session, { model, table, members }: Hidden, tell: Tell): Promise<void> {
  if (members === null) {
    const count = await countWithin(session, `select count(*)::double precision as count from ${table}`);
    if (count !== 0)
      tell(
        `${model}: ${counted(count, 'object')} hidden; where the model was renamed, renamed-from="${model}" at the new one shows them`,
      );
    return;
  }
  const rows = await rowsWithin<Readonly<Record<string, number>>>(session, {
    text: `select ${members.map(({ column }, place) => `count(${quoteName(column)})::double precision as "${place}"`).join(', ')} from ${table}`,
  });
  for (const [place, { name }] of members.entries()) {
    const count = rows === null ? null : (rows[0]?.[String(place)] ?? 0);
    if (count !== 0)
      tell(
        `${model}.${name}: ${counted(count, 'value')} hidden; where it was renamed, renamed-from="${name}" at the new name shows them`,
      );
  }
}

async function tellReference(
  session: Session,
  { name, model, table, column, otherTable }: ChangedReference,
  tell: Tell,
): Promise<void> {
  const id = `t.${quoteName(column)}`;
  const count = await countWithin(
    session,
    `select count(*)::double precision as count from ${table} t where ${id} is not null and not exists (select from ${otherTable} o where o."id" = ${id})`,
  );
  if (count !== 0)
    tell(
      `${name}: ${counted(count, 'id')} of no object of ${model}: reading it gives null, and the id stays until it is set anew`,
    );
}

/** More of them than are kept cannot be asked for by themselves. */
const maxKeys = 100;

async function formerKeysOf(
  session: Session,
  { model, field, table, column, formerKeys, isAsked }: ChangedChoice,
  tell: Tell,
): Promise<readonly (string | number)[]> {
  if (!isAsked) return formerKeys;
  const { choice, comparedWith } = typeOfField(field);
  const isList = choice === 'many';
  const type = comparedWith === 'number' ? 'integer' : 'text';
  const [from, key] = isList
    ? [`${table} t, unnest(t.${quoteName(column)}) k`, 'k']
    : [`${table} t`, `t.${quoteName(column)}`];
  const rows = await rowsWithin<{ key: string | number; count: number }>(session, {
    text: `select ${key} as key, count(*)::double precision as count from ${from} where ${key} is not null and ${key} <> all($1::${type}[]) group by 1 order by 2 desc, 1 limit ${maxKeys + 1}`,
    values: [field.options.map((option) => option.key)],
  });
  if (rows !== null && rows.length > 0) {
    const total = rows.reduce((sum, { count }) => sum + count, 0);
    const shown = rows
      .slice(0, 3)
      .map((row) => `${JSON.stringify(row.key)}: ${row.count.toLocaleString('en-US')}`)
      .join(', ');
    const more = rows.length > 3 ? ', …' : '';
    tell(
      `${model}.${field.name}: ${counted(total, 'value', rows.length > maxKeys)} none of the options (${shown}${more}); they stay, can be asked for, and are kept when their objects are saved`,
    );
  }
  if (rows === null)
    tell(
      `${model}.${field.name}: it would take too long to count the values that are none of the options; they stay, can be asked for, and are kept when their objects are saved`,
    );
  return [...new Set([...formerKeys, ...(rows ?? []).slice(0, maxKeys).map((row) => row.key)])];
}
