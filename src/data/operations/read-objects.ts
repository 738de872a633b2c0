import { countObjects } from '../statements/count-objects.ts';
import { asOutdated } from '../statements/refusals.ts';
import { readFile } from '../statements/read-file.ts';
import { selectLargePage, selectPage } from '../statements/select-page.ts';
import type { CountCall, ReadFileCall, SelectCall } from '../protocol/data-calls.ts';
import type { Model } from '../model/data-model.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import type { DataScope } from './carry-out.ts';

/**
 * Reads for an attempt, refused by the database once it is superseded. The answers are JSON texts, made by the database and not looked into here.
 * @throws CloudCodeError `attempt_superseded`, `unknown_model`, `unknown_field`, `invalid_expression`, `data_model_conflict`
 */
export async function readObjects(
  db: Queryable,
  scope: DataScope,
  call: SelectCall | CountCall | ReadFileCall,
): Promise<string> {
  try {
    return await read(db, scope, call);
  } catch (error) {
    throw asOutdated(error);
  }
}

async function read(db: Queryable, scope: DataScope, call: SelectCall | CountCall | ReadFileCall): Promise<string> {
  const { target, caller } = scope;
  switch (call.kind) {
    case 'select':
      return readPage(db, scope, call);
    case 'count': {
      const [row] = await db.query<{ count: number }>(countObjects(target, caller, call.selection));
      return String(row?.count ?? 0);
    }
    case 'read_file': {
      const [row] = await db.query<{ base64: string | null }>(readFile(target, caller, call));
      return JSON.stringify(row?.base64 ?? null);
    }
  }
}

type PageRow =
  | { readonly objects: string }
  | { readonly columns: string; readonly cut: boolean; readonly hasLarge?: boolean };

/** Models that were seen to have large objects: their pages are asked for as such at once. */
const large = new WeakSet<Model>();

async function readPage(db: Queryable, { target, caller }: DataScope, call: SelectCall): Promise<string> {
  const model = target.models.get(call.selection.model);
  const isKnown = model !== undefined && large.has(model) && call.pageSize > 1;
  const [row] = await db.query<PageRow>((isKnown ? selectLargePage : selectPage)(target, caller, call));
  if (row === undefined || 'objects' in row) return `{"objects":${row?.objects ?? '[]'}}`;
  const { columns, cut, hasLarge = false } = row;
  if (!hasLarge) return `{"columns":${columns},"cut":${cut}}`;
  if (model !== undefined) large.add(model);
  return readPage(db, { target, caller }, call);
}
