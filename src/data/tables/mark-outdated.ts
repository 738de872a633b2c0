import { markOutdatedAttempts, readModelsUnderWay } from './outdated-attempts.ts';
import type { Queryable } from '../../engine/store/open-store.ts';
import type { DataModel } from '../model/data-model.ts';
import { columnsOfModel } from '../statements/columns.ts';

/** What a step adds: a table (columns: null), or columns to one. */
export interface Addition {
  readonly table: string;
  readonly columns: readonly string[] | null;
}

/**
 * Before something is added: an attempt under way whose model has a table or column of that name began when another was called so, which was renamed since. What it asks of data is refused from then on,
 * as it was already where it named what is gone.
 */
export async function markOutdated(db: Queryable, environment: string, additions: readonly Addition[]): Promise<void> {
  if (additions.length === 0) return;
  const outdated = (await readModelsUnderWay(db, environment)).filter(({ model }) =>
    additions.some((addition) => knows(model, addition)),
  );
  if (outdated.length > 0)
    await markOutdatedAttempts(
      db,
      environment,
      outdated.map(({ hash }) => hash),
    );
}

function knows({ models }: DataModel, { table, columns }: Addition): boolean {
  const model = models.find(({ name }) => name === table);
  return model !== undefined && (columns === null || columnsOfModel(model).some(({ name }) => columns.includes(name)));
}
