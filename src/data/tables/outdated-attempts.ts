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

/** A data model, by its hash, that running attempts of an environment have begun with. */
interface ModelUnderWay {
  readonly hash: string;
  readonly model: DataModel;
}

function readModelsUnderWay(db: Queryable, environment: string): Promise<readonly ModelUnderWay[]> {
  return db.query<ModelUnderWay>({
    name: 'read_models_under_way',
    text: `
      select m.hash, m.model from cloudcode.data_models m
      where m.hash in (
        select d.data_model_hash
        from cloudcode.environments e join cloudcode.running_runs r on r.environment_id = e.id
          join cloudcode.tasks t on t.deployment_id = r.deployment_id and t.name = r.task
          join cloudcode.deployments d on d.id = coalesce(t.kept_from, t.deployment_id)
        where e.name = $1
      )`,
    values: [environment],
  });
}

/** From then on the attempts that have begun with these models are refused what they ask of data: CC002. Waits for what they are at. */
async function markOutdatedAttempts(db: Queryable, environment: string, modelHashes: readonly string[]): Promise<void> {
  await db.query({
    name: 'mark_outdated_attempts',
    text: `
      update cloudcode.runs set outdated_fence = fence
      where id in (
        select r.id
        from cloudcode.environments e join cloudcode.runs r on r.environment_id = e.id and r.id in (select unnest(run_ids) from cloudcode.claims)
          join cloudcode.tasks t on t.deployment_id = r.deployment_id and t.name = r.task
          join cloudcode.deployments d on d.id = coalesce(t.kept_from, t.deployment_id)
        where e.name = $1 and r.state = 'running' and d.data_model_hash = any ($2::text[])
        order by r.id
        for update of r
      )`,
    values: [environment, modelHashes],
  });
}
