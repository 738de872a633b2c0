import type { DataModel } from '../model/data-model.ts';
import type { Queryable } from '../../engine/store/open-store.ts';

/** A data model, by its hash, that running attempts of an environment have begun with. */
export interface ModelUnderWay {
  readonly hash: string;
  readonly model: DataModel;
}

export function readModelsUnderWay(db: Queryable, environment: string): Promise<readonly ModelUnderWay[]> {
  return db.query<ModelUnderWay>({
    name: 'read_models_under_way',
    text: `
      select m.hash, m.model from cloudcode.data_models m
      where m.hash in (
        select d.data_model_hash
        from cloudcode.environments e join cloudcode.runs r on r.environment_id = e.id
          join cloudcode.attempts a on a.run_id = r.id and a.number = r.attempt_count
          join cloudcode.deployments d on d.id = a.deployment_id
        where e.name = $1 and r.state = 'running'
      )`,
    values: [environment],
  });
}

/** From then on the attempts that have begun with these models are refused what they ask of data: CC002. Waits for what they are at. */
export async function markOutdatedAttempts(
  db: Queryable,
  environment: string,
  modelHashes: readonly string[],
): Promise<void> {
  await db.query({
    name: 'mark_outdated_attempts',
    text: `
      update cloudcode.runs set outdated_fence = fence
      where id in (
        select r.id
        from cloudcode.environments e join cloudcode.runs r on r.environment_id = e.id
          join cloudcode.attempts a on a.run_id = r.id and a.number = r.attempt_count
          join cloudcode.deployments d on d.id = a.deployment_id
        where e.name = $1 and r.state = 'running' and d.data_model_hash = any ($2::text[])
        order by r.id
        for update of r
      )`,
    values: [environment, modelHashes],
  });
}
