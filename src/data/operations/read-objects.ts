import { countObjects } from '../statements/count-objects.ts';
import { asOutdated } from '../statements/refusals.ts';
import { readFile } from '../statements/read-file.ts';
import { selectPage } from '../statements/select-page.ts';
import type { CountCall, ReadFileCall, SelectCall } from '../protocol/data-calls.ts';
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

async function read(
  db: Queryable,
  { target, caller }: DataScope,
  call: SelectCall | CountCall | ReadFileCall,
): Promise<string> {
  switch (call.kind) {
    case 'select': {
      const [row] = await db.query<{ objects: string } | { columns: string; cut: boolean }>(
        selectPage(target, caller, call),
      );
      if (row !== undefined && 'columns' in row) return `{"columns":${row.columns},"cut":${row.cut}}`;
      return `{"objects":${row?.objects ?? '[]'}}`;
    }
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
