import { createHash } from 'node:crypto';
import type { Model, ModelIndex } from '../../core/data-model.ts';
import { belongsToColumn, quoteName, tableName } from '../columns.ts';
import type { StoredIndex } from './read-tables.ts';
import type { Step } from './step.ts';

/** What marks an index as ours; its columns follow, so that a changed one is seen. */
const mark = 'cloudcode index on ';
const longestNameBytes = 63;

/** The steps towards the indexes of a model. They are built and dropped without holding up writers. */
export function planIndexes(schema: string, model: Model, stored: ReadonlyMap<string, StoredIndex>): readonly Step[] {
  const wanted = new Map(model.indexes.map((index) => [nameOf(model, index), { index, comment: mark + columnsOfIndex(model, index).join(', ') }] as const));
  const steps: Step[] = [];
  for (const [name, { index, comment }] of wanted) {
    const existing = stored.get(name);
    if (existing?.isValid === true && existing.comment === comment) continue;
    if (existing === undefined || (existing.isValid && existing.comment?.startsWith(mark) === true)) steps.push(...build(schema, model, { name, index, comment, replaces: existing !== undefined }));
    // A build that was cut off, or one whose note was: it is of no use.
    else steps.push(drop(schema, model, name), ...build(schema, model, { name, index, comment, replaces: false }));
  }
  for (const [name, { comment, isValid }] of stored) {
    const isLeftover = name.endsWith(temporary) && !isValid;
    if (!wanted.has(name) && (comment?.startsWith(mark) === true || isLeftover)) steps.push(drop(schema, model, name));
  }
  return steps;
}

const temporary = '__new';

function build(schema: string, model: Model, given: { readonly name: string; readonly index: ModelIndex; readonly comment: string; readonly replaces: boolean }): readonly Step[] {
  const { name, index, comment, replaces } = given;
  const says = `building index ${index.name} of ${model.name}`;
  const building = replaces ? shortened(name, temporary) : name;
  const columns = columnsOfIndex(model, index).map(quoteName).join(', ');
  const inSchema = (of: string): string => `${quoteName(schema)}.${quoteName(of)}`;
  const steps: Step[] = [{
    says, locks: null,
    sql: [
      ...(replaces ? [`drop index concurrently if exists ${inSchema(building)}`] : []),
      `create index concurrently if not exists ${quoteName(building)} on ${tableName(schema, model.name)} (${columns})`,
      `comment on index ${inSchema(building)} is '${comment.replaceAll("'", "''")}'`,
    ],
  }];
  if (!replaces) return steps;
  return [...steps, { says: `${says}: taking the place of the old one`, locks: null, sql: [`drop index concurrently if exists ${inSchema(name)}`, `alter index ${inSchema(building)} rename to ${quoteName(name)}`] }];
}

function drop(schema: string, model: Model, name: string): Step {
  return { says: `dropping index ${name} of ${model.name}`, locks: null, sql: [`drop index concurrently if exists ${quoteName(schema)}.${quoteName(name)}`] };
}

/** The index's columns, and the id: in this order pages are read. */
function columnsOfIndex(model: Model, index: ModelIndex): readonly string[] {
  const columns = index.on.map((name) => {
    const belongsTo = model.belongsTo.find((each) => each.name === name);
    return belongsTo === undefined ? name : belongsToColumn(belongsTo).name;
  });
  return [...columns, 'id'];
}

function nameOf(model: Model, index: ModelIndex): string {
  return shortened(`${model.name}__${index.name}`, '');
}

function shortened(name: string, ending: string): string {
  if (Buffer.byteLength(name + ending) <= longestNameBytes) return name + ending;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, longestNameBytes - 9 - ending.length)}_${hash}${ending}`;
}
