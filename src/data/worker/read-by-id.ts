import { pageObjects, type SelectAnswer, type WireValue } from '../protocol/data-answers.ts';
import type { ModelType } from './database.ts';

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
  );
  return (objects[0] as WireValue[] | undefined) ?? null;
}
