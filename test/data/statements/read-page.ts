import { readObjects } from '../../../src/data/operations/read-objects.ts';
import type { SelectCall } from '../../../src/data/protocol/data-calls.ts';
import { type Page, pageObjects, type SelectAnswer, type WireObject } from '../../../src/data/protocol/data-answers.ts';
import type { Queryable } from '../../../src/engine/store/open-store.ts';
import type { TestData } from './open-data.ts';

/** A page as a worker gets it. */
export async function readPage(
  { target, caller }: TestData,
  db: Queryable,
  call: Omit<SelectCall, 'kind'>,
): Promise<Page> {
  const text = await readObjects(
    db,
    { target, caller: { ...caller, environment: 'testing' } },
    { kind: 'select', ...call },
  );
  return pageObjects(JSON.parse(text) as SelectAnswer, target.models.get(call.selection.model)?.fields ?? []);
}

/** The objects of a page without their versions. */
export function valuesOf({ objects }: Page): readonly WireObject[] {
  return objects.map((object) => object.slice(0, -1));
}
