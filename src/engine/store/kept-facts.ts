import type { WorkerStart } from '../core/task-config.ts';
import type { DeployedFolder } from './contents.ts';
import type { Queryable } from './open-store.ts';
import { readVariables, type StoredVariables } from './variables.ts';

/** What a task is in a deployment. Immutable. */
export interface DeployedTask {
  /** Empty: no deployment has the task. */
  readonly bundleHash: string;
  readonly bundleFormat: 'cjs' | 'esm';
  /** Of what the extension has added to the deployment; null for nothing. */
  readonly stateHash: string | null;
  readonly folder: string;
  /** What the deployment's own folder is made of; null where it has none. */
  readonly place: DeployedFolder | null;
  /** The task's entry, from the project's folder; null where it is not known. */
  readonly file: string | null;
  /** Packages that are loaded by Node alone. */
  readonly external: readonly string[] | null;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly workerStart: WorkerStart | null;
}

/** What an environment gives its tasks. */
export interface EnvironmentFacts {
  readonly environment: string;
  readonly variablesJson: string;
  /** The values of variables that are masked: no output may show them. */
  readonly secrets: readonly string[];
  /** Why those cannot be read on this machine: no run of the environment can be started here. Null when they can. */
  readonly keyFault: string | null;
}

/** Reads what is masked, and puts together what counts. */
export type OpenVariables = (stored: StoredVariables) => Omit<EnvironmentFacts, 'environment'>;

/** What a claim says of a run's deployment and environment. */
export interface FactKeys {
  readonly task: string;
  /** The newest that has the task; null: none has. */
  readonly deploymentId: string | null;
  readonly environmentId: number;
  readonly variablesVersion: string;
}

type Completed<Row> = Row & DeployedTask & EnvironmentFacts;

/** What runs of one deployment and environment have in common: read once, and not with every claim. */
export interface KeptFacts {
  /** What is not known is read; of variables, what is of another version than the claim says. */
  complete<Row extends FactKeys>(db: Queryable, rows: readonly Row[]): Promise<readonly Completed<Row>[]>;
}

/** Deployments follow one another for as long as a runner lives. */
const maxKept = 10_000;

/** Without the master key, for whoever only claims. */
const plainVariables: OpenVariables = ({ configured }) => ({
  variablesJson: JSON.stringify(configured),
  secrets: [],
  keyFault: null,
});

export function keepFacts(openVariables: OpenVariables = plainVariables): KeptFacts {
  const tasks = new Map<string, DeployedTask>();
  const environments = new Map<number, VersionedFacts>();

  const readMissing = async (db: Queryable, { task, deploymentId, environmentId, variablesVersion }: FactKeys) => {
    if (!tasks.has(keyOf(task, deploymentId))) {
      if (tasks.size >= maxKept) tasks.clear();
      tasks.set(keyOf(task, deploymentId), await readDeployedTask(db, deploymentId, task));
    }
    if (environments.get(environmentId)?.version === variablesVersion) return;
    const stored = await readVariables(db, environmentId);
    if (stored === null) return;
    const { environment, version } = stored;
    environments.set(environmentId, { version, facts: { environment, ...openVariables(stored) } });
  };
  const known = <Row extends FactKeys>(row: Row): Completed<Row> | null => {
    const task = tasks.get(keyOf(row.task, row.deploymentId));
    const kept = environments.get(row.environmentId);
    if (task === undefined || kept?.version !== row.variablesVersion) return null;
    return { ...row, ...task, ...kept.facts };
  };
  return {
    async complete<Row extends FactKeys>(db: Queryable, rows: readonly Row[]) {
      const runs: Completed<Row>[] = [];
      // The key may be there by now.
      for (const [id, { facts }] of environments) if (facts.keyFault !== null) environments.delete(id);
      for (const row of rows) {
        let run = known(row);
        if (run === null) {
          await readMissing(db, row);
          // Variables that have changed since the claim are newer than it says.
          const version = environments.get(row.environmentId)?.version ?? row.variablesVersion;
          run = known({ ...row, variablesVersion: version });
        }
        if (run !== null) runs.push(run);
      }
      return runs;
    },
  };
}

const keyOf = (task: string, deploymentId: string | null): string => `${deploymentId} ${task}`;

const noTask: DeployedTask = {
  bundleHash: '',
  bundleFormat: 'cjs',
  stateHash: null,
  folder: '/',
  place: null,
  file: null,
  external: null,
  timeoutMs: 1,
  memoryMb: 1,
  workerStart: null,
};

/** Of a task that could not be built, it is what it goes on with. */
async function readDeployedTask(db: Queryable, deploymentId: string | null, task: string): Promise<DeployedTask> {
  const [found] = await db.query<DeployedTask>({
    name: 'deployed_task',
    text: `
      select t.bundle_hash as "bundleHash", b.format as "bundleFormat", d.data_model_hash as "stateHash", d.folder, t.file, t.external,
        t.timeout_ms::double precision as "timeoutMs", t.memory_mb as "memoryMb", t.worker_start as "workerStart",
        case when d.project_path is not null then json_build_object('treeHash', d.tree_hash, 'filesHash', d.files_hash, 'projectPath', d.project_path) end as place
      from cloudcode.tasks t join cloudcode.bundles b on b.hash = t.bundle_hash
        join cloudcode.deployments d on d.id = coalesce(t.kept_from, t.deployment_id)
      where t.deployment_id = $1 and t.name = $2`,
    values: [deploymentId, task],
  });
  return found ?? noTask;
}

interface VersionedFacts {
  readonly version: string;
  readonly facts: EnvironmentFacts;
}
