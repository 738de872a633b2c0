import { pageObjects, type SelectAnswer, type WireObject, type WireValue } from '../protocol/data-answers.ts';
import type { Selection } from '../protocol/data-calls.ts';
import type { ModelType } from './database.ts';

const fullPage = 1000;

/** Reads a selection page by page, each when it is asked for. A page begins after the last object of the one before, so none comes twice. */
export async function* readPages(
  type: ModelType,
  selection: Selection,
  { firstPage }: { readonly firstPage: number },
): AsyncGenerator<readonly WireObject[], undefined> {
  let left = selection.limit ?? Infinity;
  let after: readonly WireValue[] | null = null;
  for (let max = firstPage; left > 0; max = fullPage) {
    const pageSize = Math.min(max, left);
    const answer: SelectAnswer = await type.database.read<SelectAnswer>({
      kind: 'select',
      selection,
      after,
      pageSize,
    });
    const { objects, cut } = pageObjects(answer, type.model.fields);
    left -= objects.length;
    const last = objects.at(-1);
    // Taken before the page is handed out: what a task changes of its objects must not move the place.
    after =
      last === undefined ? null : [...selection.orderBy.map((field) => valueOf(type, last, field)), last[0] ?? null];
    if (last !== undefined) yield objects;
    if (last === undefined || (objects.length < pageSize && !cut)) return;
  }
}

function valueOf(type: ModelType, row: WireObject, field: string): WireValue {
  const name = field.replace(/^-/, '');
  const isBelongsTo = type.model.belongsTo.some((belongsTo) => belongsTo.name === name);
  return row[type.placeOf(isBelongsTo ? `${name}_id` : name)] ?? null;
}

/** One row, or null. */
export async function readById({ database, model }: ModelType, id: string): Promise<WireValue[] | null> {
  const selection = {
    model: model.name,
    where: [{ expression: 'id = ?', args: [id] }],
    orderBy: [],
    skip: 0,
    limit: 1,
  };
  const { objects } = pageObjects(
    await database.read<SelectAnswer>({ kind: 'select', selection, after: null, pageSize: 1 }),
    model.fields,
  );
  return (objects[0] as WireValue[] | undefined) ?? null;
}
