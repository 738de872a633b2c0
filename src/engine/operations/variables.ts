import { CloudCodeError } from '../core/errors.ts';
import { startVariables } from '../core/start-variables.ts';
import { suggest } from '../core/suggest.ts';
import {
  bytesOf,
  checkVariableName,
  checkVariablesTogether,
  checkVariableValue,
  type VariableToSet,
} from '../core/variables.ts';
import { deleteUnusedDataKey } from '../store/data-keys.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import { retryConflicts } from '../store/retry.ts';
import {
  deleteVariables,
  growVariablesVersion,
  type ListedVariable,
  listVariables as readListed,
  readVariables,
  type StoredVariable,
  type StoredVariables,
  upsertVariables,
} from '../store/variables.ts';
import { dataKeyOf } from './data-keys.ts';
import { findEnvironment, lockToChange } from './environments.ts';
import { sealedFor } from './given-variables.ts';
import type { MasterKeys } from './master-key.ts';
import { seal } from './seal.ts';

/** Those that were set and those of the project's configuration, by name; of a masked one no value. @throws CloudCodeError `environment_not_found` */
export async function listVariables(db: Queryable, environment: string): Promise<readonly ListedVariable[]> {
  return readListed(db, await findEnvironment(db, environment));
}

/** Starts a process with variables that are read only then. @throws CloudCodeError `invalid_variable` where it cannot start */
export type CheckStart = (variables: Readonly<Record<string, string>>, secrets: readonly string[]) => Promise<void>;

export interface VariablesToSet {
  readonly variables: readonly VariableToSet[];
  /** Where the master key is; null: nothing can be masked. */
  readonly keys: MasterKeys | null;
  readonly checkStart?: CheckStart | undefined;
}

/**
 * Sets variables of an environment, all or none. Attempts that begin afterwards have them. One that is masked stays so, unless it is said that it is not.
 * @returns those that were set, as they are listed
 * @throws CloudCodeError `invalid_variable`, `environment_not_found`, `environment_deleting`, and those of the master key
 */
export async function setVariables(
  store: Store,
  environment: string,
  { variables, keys, checkStart }: VariablesToSet,
): Promise<readonly ListedVariable[]> {
  // Of several of one name the last counts, as in a file.
  const wanted = [...new Map(variables.map((each) => [each.name, each])).values()];
  for (const each of wanted) {
    checkVariableName(each.name);
    checkVariableValue(each, each.masked === true);
  }
  if (checkStart !== undefined) await checkStarting(store, environment, { wanted, checkStart });
  return inTurn(store, environment, async (db, stored, environmentId) => {
    const masked = new Set(stored.set.flatMap(({ name, sealed }) => (sealed === null ? [] : [name])));
    const settled = wanted.map((each) => ({ ...each, masked: each.masked ?? masked.has(each.name) }));
    for (const each of settled) checkVariableValue(each, each.masked);
    refuseTooMany(stored, settled);
    const changed = settled.filter((each) => isChanged(stored, each));
    if (changed.length > 0) {
      const key = changed.some((each) => each.masked)
        ? await dataKeyOf(db, { id: environmentId, name: environment }, keys)
        : null;
      await upsertVariables(
        db,
        environmentId,
        changed.map((each) => toStored(environment, each, key)),
      );
      await deleteUnusedDataKey(db, environmentId);
      await growVariablesVersion(db, environmentId);
    }
    const names = new Set(settled.map(({ name }) => name));
    return (await readListed(db, environmentId)).filter(({ name }) => names.has(name));
  });
}

/** What was set of a name before counts no more: the configuration's does, where it has one. All or none. @throws CloudCodeError `variable_not_found`, `environment_not_found`, `environment_deleting` */
export async function unsetVariables(store: Store, environment: string, names: readonly string[]): Promise<void> {
  await inTurn(store, environment, async (db, stored, environmentId) => {
    const known = stored.set.map(({ name }) => name);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw notSet(stored, unknown);
    await deleteVariables(db, environmentId, names);
    await deleteUnusedDataKey(db, environmentId);
    await growVariablesVersion(db, environmentId);
  });
}

/** With what a process of the environment would be started, as far as that can be read without the master key. */
async function checkStarting(
  store: Store,
  environment: string,
  { wanted, checkStart }: { readonly wanted: readonly VariableToSet[]; readonly checkStart: CheckStart },
): Promise<void> {
  const own = startVariables(Object.fromEntries(wanted.map(({ name, value }) => [name, value])));
  if (Object.keys(own).length === 0) return;
  const stored = await readVariables(store, await findEnvironment(store, environment));
  const plain = (stored?.set ?? []).flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const]));
  const all = {
    ...stored?.configured,
    ...Object.fromEntries([...plain, ...wanted.map(({ name, value }) => [name, value] as const)]),
  };
  await checkStart(
    startVariables(all),
    wanted.flatMap(({ value, masked }) => (masked === true ? [value] : [])),
  );
}

type Work<Result> = (db: Queryable, stored: StoredVariables, environmentId: number) => Promise<Result>;

/** Whoever changes variables of an environment takes turns. */
function inTurn<Result>(store: Store, environment: string, work: Work<Result>): Promise<Result> {
  return retryConflicts(() =>
    store.transaction(async (db) => {
      const { id } = await lockToChange(db, environment);
      const stored = await readVariables(db, id);
      if (stored === null) throw new Error(`environment ${environment} was not there while it was locked`);
      return work(db, stored, id);
    }),
  );
}

type Settled = VariableToSet & { readonly masked: boolean };

function isChanged(stored: StoredVariables, { name, value, masked }: Settled): boolean {
  const before = stored.set.find((each) => each.name === name);
  return masked || before === undefined || before.sealed !== null || before.value !== value;
}

function toStored(environment: string, { name, value, masked }: Settled, key: Buffer | null): StoredVariable {
  if (!masked) return { name, value, sealed: null };
  if (key === null) throw new Error('there is no data key');
  const sealed = seal(key, Buffer.from(value, 'utf8'), sealedFor(environment, name));
  return { name, value: null, sealed: sealed.toString('base64') };
}

function refuseTooMany({ configured, set }: StoredVariables, wanted: readonly Settled[]): void {
  const sizes = new Map(Object.entries(configured).map(([name, value]) => [name, bytesOf(value)]));
  // In base64 four characters are three bytes; nonce and tag take 28.
  for (const { name, value, sealed } of set)
    sizes.set(name, sealed === null ? bytesOf(value ?? '') : Math.ceil((sealed.length * 3) / 4) - 28);
  for (const { name, value } of wanted) sizes.set(name, bytesOf(value));
  checkVariablesTogether(
    sizes.size,
    [...sizes.values()].reduce((sum, each) => sum + each, 0),
  );
}

function notSet({ environment, configured, set }: StoredVariables, name: string): CloudCodeError {
  const nearest = suggest(
    name.slice(0, 200),
    set.map((each) => each.name),
  );
  const hint = Object.hasOwn(configured, name)
    ? 'It is in the configuration of the project: take it out there, and deploy.'
    : nearest === null
      ? 'See which there are: cloudcode variables list'
      : `Did you mean \`${nearest}\`?`;
  return new CloudCodeError(
    'variable_not_found',
    `No variable ${JSON.stringify(name.slice(0, 200))} was set in the environment \`${environment}\`.`,
    { hint },
  );
}
