import type { Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { RowsOperation, ValuesOperation, VersionCheck } from '../protocol/data-calls.ts';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';
import { quoteName, tableName } from './columns.ts';
import { allColumns, givenColumns } from './given-columns.ts';
import { versionColumn } from './row-json.ts';
import { openParameters, type Parameters, statementOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

/** How it is written: with which check, and the id under which the statement notes that it was, where no batch does. */
interface Manner {
  readonly version?: VersionCheck | undefined;
  readonly call?: string;
}

type Writing = RowsOperation & Manner;

const held = `
    with held as materialized (
      select cloudcode.hold_attempt_data($1, $2) as held
    )`;

// One object has a form of its own, which takes two thirds of the time: a plain statement, whose plan is kept. The sub-select makes its fence a one-time filter, checked
// before anything is looked for, so also when the object is not there.
const isHeld = '(select cloudcode.hold_attempt_data($1, $2))';

const version = quoteName(versionColumn);
// Of all that the statement writes.
const writtenVersion = 'pg_current_xact_id()::xid::text as version';

/**
 * Stores objects. One that is there already is overwritten: what is not given becomes null. A single one gives one row `{ version }`; with a check of versions it is as updateObjects.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function insertObjects(target: DataTarget, caller: Caller, operation: Writing): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = givenColumns(model, operation.columns);
  const targets = columns.flatMap((column) => column.targets);
  const overwritten = allColumns(model).map((column) => `${column} = excluded.${column}`);
  const given = givenRows(operation, {
    rows: parameters.add(operation.rows, 'json'),
    definitions: columns.map(({ definition }) => definition),
  });
  const into = `insert into ${tableName(target.schema, model.name)} as t (${['"id"', ...targets.map(({ column }) => column)].join(', ')})`;
  const values = `select ${['g."id"', ...targets.map(({ value }) => value)].join(', ')} from ${given}`;
  if (operation.version === 'required') {
    const ids = parameters.add(arrayOf(operation.ids), 'uuid[]');
    const done = `${held}, done as (${into} ${values}, held where held.held on conflict ("id") do nothing returning t."id")`;
    return statementOf(
      `${done}${noteOf(operation, parameters)} select held, ${missing(ids)}, ${missing(ids, 'changed')}, ${writtenVersion} from held`,
      parameters,
    );
  }
  const conflict = `on conflict ("id") do ${overwritten.length === 0 ? 'nothing' : `update set ${overwritten.join(', ')}`}`;
  if (isOne(operation))
    return statementOf(`${into} ${values} where ${isHeld} ${conflict} returning t.xmin::text as version`, parameters);
  return statementOf(
    `${held}, stored as (${into} ${values}, held where held.held ${conflict}) select held from held`,
    parameters,
  );
}

/**
 * Changes the given columns of objects. Gives one row `{ missing, changed, version }`: those of `ids` that were not written (because they are not there, or have another version than they must), or null when all were;
 * with `required`, which of them were there when it began. A single one that was not written gives no row, but with `required`.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function updateObjects(
  target: DataTarget,
  caller: Caller,
  operation: ValuesOperation & Manner & { /** The others are left alone. */ readonly only?: readonly string[] },
): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = givenColumns(model, operation.columns);
  const isChecked = operation.version !== undefined;
  const allIds = parameters.add(arrayOf(operation.ids), 'uuid[]');
  const elements = columns.map(({ elements }) => elements);
  if (isChecked) elements.push('json_array_elements_text');
  const values = elements.map((read, place) => `${read}(${parameters.add(operation.values[place] ?? '[]', 'json')})`);
  const names = ['"id"', ...columns.map(({ name }) => name), ...(isChecked ? [version] : [])];
  const given = `rows from (${[`unnest(${allIds})`, ...values].join(', ')}) as g (${names.join(', ')})`;
  const changes = columns
    .flatMap(({ elementTargets }) => elementTargets)
    .map(({ column, value }) => `${column} = ${value}`);
  const table = tableName(target.schema, model.name);
  const update = `update ${table} t set ${changes.length === 0 ? '"id" = t."id"' : changes.join(', ')} from ${given}`;
  const fits = `t."id" = g."id"${isChecked ? ` and t.xmin = g.${version}::xid` : ''}`;
  if (isOne(operation) && operation.only === undefined && operation.version !== 'required')
    return statementOf(
      `${update} where ${isHeld} and ${fits} and t."id" = (${allIds})[1] returning ${noneMissing}, t.xmin::text as version`,
      parameters,
    );
  const ids = operation.only === undefined ? allIds : parameters.add(arrayOf(operation.only), 'uuid[]');
  const isMeant = operation.only === undefined ? '' : ` and t."id" = any(${ids})`;
  const done = `${held}, done as (${update} where (select held from held) and ${fits}${isMeant} returning t."id")`;
  const changed =
    operation.version === 'required'
      ? `, (select array_agg(t."id"::text) from ${table} t where t."id" = any(${ids}) and t."id" not in (select "id" from done)) as changed`
      : '';
  return statementOf(
    `${done}${noteOf(operation, parameters)} select held, ${missing(ids)}${changed}, ${writtenVersion} from held`,
    parameters,
  );
}

/**
 * Adds to numbers of objects; null counts as 0. Gives one row `{ missing, incremented }`: those of `ids` that are not there, or null when all are; and the new values of each by its id, as JSON.
 * @throws CloudCodeError `unknown_model`, `unknown_field`, `invalid_value` for a field that is no number
 */
export function incrementObjects(target: DataTarget, caller: Caller, operation: Omit<Writing, 'version'>): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const columns = operation.columns.map((name) => ({ name: quoteName(name), ...numberOf(model, name) }));
  const given = givenRows(
    { ids: [] },
    { rows: parameters.add(operation.rows, 'json'), definitions: columns.map(({ name, wide }) => `${name} ${wide}`) },
  );
  const ids = parameters.add(arrayOf(operation.ids), 'uuid[]');
  const sums = columns.map(
    ({ name, type, wide }) => `${name} = (coalesce(t.${name}, 0)::${wide} + g.${name})::${type}`,
  );
  const values = `json_build_array(${columns.map(({ name }) => `t.${name}`).join(', ')})`;
  const done = `${held}, done as (
      update ${tableName(target.schema, model.name)} t set ${sums.join(', ')} from ${given}, held where held.held and t."id" = g."id" and t."id" = any(${ids}) returning t."id", ${values} as sums
    )`;
  const noted = noteOf(operation, parameters, "json_build_object('incremented', json_build_array(sums))");
  return statementOf(
    `${done}${noted} select held, ${missing(ids)}, (select json_object_agg("id", sums)::text from done) as incremented from held`,
    parameters,
  );
}

const numbers = {
  integer: { type: 'integer', wide: 'bigint' },
  number: { type: 'double precision', wide: 'double precision' },
} as const;

function numberOf(model: Model, name: string): (typeof numbers)[keyof typeof numbers] {
  givenColumns(model, [name]);
  const type = model.fields.find((field) => field.name === name)?.type;
  if (type === 'integer' || type === 'number') return numbers[type];
  throw new CloudCodeError(
    'invalid_value',
    `${model.name}.${name} is no field of type integer or number: nothing can be added to it.`,
  );
}

/**
 * Destroys objects. Gives what updateObjects does.
 * @throws CloudCodeError `unknown_model`
 */
export function destroyObjects(
  target: DataTarget,
  caller: Caller,
  operation: { readonly model: string; readonly ids: readonly string[] },
): Statement {
  const model = modelOf(target, operation.model);
  const parameters = openParameters(caller);
  const ids = parameters.add(arrayOf(operation.ids), 'uuid[]');
  const remove = `delete from ${tableName(target.schema, model.name)} t`;
  if (isOne(operation))
    return statementOf(`${remove} where ${isHeld} and t."id" = (${ids})[1] returning ${noneMissing}`, parameters);
  return statementOf(
    `${held}, done as (${remove} using held where held.held and t."id" = any(${ids}) returning t."id") select held, ${missing(ids)} from held`,
    parameters,
  );
}

/**
 * Notes a single write in the statement that carries it out, as a batch of its own. Whoever sends it again gets a unique violation, and nothing of it is done: also when the first is
 * under way still.
 */
function noteOf({ call }: Manner, parameters: Parameters, answerJson = "'{}'::json"): string {
  if (call === undefined) return '';
  return `, noted as (insert into cloudcode.batches (id, run_id, answer) select ${parameters.add(call, 'uuid')}, $1, ${answerJson} from done)`;
}

function givenRows(
  operation: Pick<Writing, 'ids'>,
  { rows, definitions }: { readonly rows: string; readonly definitions: readonly string[] },
): string {
  const read = isOne(operation) ? `json_to_record(${rows} -> 0)` : `json_to_recordset(${rows})`;
  return `${read} as g (${['"id" uuid', ...definitions].join(', ')})`;
}

/** The text of an array of UUIDs, which need no quotes: the driver would look for some in each, and take six times as long. */
function arrayOf(ids: readonly string[]): string {
  return `{${ids.join(',')}}`;
}

function isOne({ ids }: Pick<Writing, 'ids'>): boolean {
  return ids.length === 1;
}

const noneMissing = 'null::text[] as missing';

function missing(ids: string, name = 'missing'): string {
  const those = `(select array_agg(given::text) from unnest(${ids}) given where given not in (select "id" from done))`;
  return `case when (select count(*) from done) < cardinality(${ids}) then ${those} end as ${name}`;
}
