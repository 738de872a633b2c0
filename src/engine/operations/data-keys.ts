import { randomBytes } from 'node:crypto';
import { CloudCodeError } from '../core/errors.ts';
import { type DataKeyOf, lockDataKeys, putDataKey, readDataKeys } from '../store/data-keys.ts';
import type { Queryable, Store } from '../store/open-store.ts';
import type { WrappedDataKey } from '../store/variables.ts';
import type { MasterKey, MasterKeys } from './master-key.ts';
import { keyBytes, seal, unseal } from './seal.ts';

const boundTo = (environment: string): readonly string[] => ['data key', environment];

/** A new one, of which only the wrapped form may be stored. */
function makeDataKey(
  master: MasterKey,
  environment: string,
): { readonly key: Buffer; readonly wrapped: WrappedDataKey } {
  const key = randomBytes(keyBytes);
  return { key, wrapped: wrap(master, environment, key) };
}

function wrap({ id, key: master }: MasterKey, environment: string, key: Buffer): WrappedDataKey {
  return { wrapped: seal(master, key, boundTo(environment)).toString('base64'), masterKeyId: id };
}

/** @throws CloudCodeError `master_key_missing`, `master_key_wrong`, `master_key_invalid` */
export function unwrapDataKey(keys: MasterKeys | null, environment: string, wrapped: WrappedDataKey): Buffer {
  const master = keys === null ? null : masterFor(keys, wrapped);
  if (master === null) throw keyMissing(keys, [environment]);
  const key = unseal(master.key, Buffer.from(wrapped.wrapped, 'base64'), boundTo(environment));
  if (master.id === wrapped.masterKeyId && key !== null) return key;
  throw keyWrong(keys?.place ?? '', [environment]);
}

/** Whoever rotates stores what is wrapped anew before the new key takes the place of the old one. */
function masterFor(keys: MasterKeys, { masterKeyId }: WrappedDataKey): MasterKey | null {
  const current = keys.read();
  if (current?.id === masterKeyId) return current;
  const next = keys.readNext();
  if (next?.id === masterKeyId) return next;
  // Between the two it may have taken the place of the old one.
  return keys.read();
}

/**
 * The data key of an environment that is locked, for the rest of the transaction; a new one where it has none. All environments of a database have the same master key, whichever machine masks first.
 * @throws CloudCodeError `master_key_missing`, `master_key_wrong`, `master_key_invalid`
 */
export async function dataKeyOf(
  db: Queryable,
  { id, name }: { readonly id: number; readonly name: string },
  keys: MasterKeys | null,
): Promise<Buffer> {
  if (keys === null)
    throw new CloudCodeError('master_key_missing', 'Nothing can be masked here: there is no master key.');
  await lockDataKeys(db);
  const all = await readDataKeys(db);
  const own = all.find(({ environmentId }) => environmentId === id);
  if (own !== undefined) return unwrapDataKey(keys, name, own);
  const [another] = all;
  if (another !== undefined) unwrapDataKey(keys, another.environment, another);
  const master = another === undefined ? keys.readOrMake() : masterFor(keys, another);
  if (master === null) throw keyMissing(keys, [name]);
  const { key, wrapped } = makeDataKey(master, name);
  await putDataKey(db, id, wrapped);
  return key;
}

/**
 * Whether the masked variables of all environments can be read with the master key of this machine. A rotation that was interrupted is brought to its end.
 * @param makes whether one is made when nothing is masked yet and there is none
 * @throws CloudCodeError `master_key_missing`, `master_key_wrong`, `master_key_invalid`
 */
export async function checkMasterKey(
  store: Queryable,
  keys: MasterKeys,
  { makes }: { readonly makes: boolean },
): Promise<void> {
  const wrapped = await readDataKeys(store);
  if (wrapped.length === 0) {
    if (makes) keys.readOrMake();
    return;
  }
  const next = keys.readNext();
  if (next !== null && wrapped.every(({ masterKeyId }) => masterKeyId === next.id)) keys.adoptNext();
  const master = keys.read();
  if (master === null && next === null)
    throw keyMissing(
      keys,
      wrapped.map(({ environment }) => environment),
    );
  const others = wrapped.filter(({ masterKeyId }) => masterKeyId !== master?.id && masterKeyId !== next?.id);
  if (others.length > 0)
    throw keyWrong(
      keys.place,
      others.map(({ environment }) => environment),
    );
  for (const each of wrapped) unwrapDataKey(keys, each.environment, each);
}

/**
 * Wraps the data keys of all environments with a new master key, in one transaction. What is masked stays as it is, and who has unwrapped a data key goes on with it.
 * Interrupted and asked again, it goes on.
 * @returns how many environments have one, and the id of the new master key
 * @throws CloudCodeError `master_key_missing`, `master_key_wrong`, `master_key_invalid`
 */
export async function rotateMasterKey(
  store: Store,
  keys: MasterKeys,
): Promise<{ readonly environments: number; readonly masterKeyId: string }> {
  await checkMasterKey(store, keys, { makes: true });
  const next = keys.prepareNext();
  const rotated = await store.transaction(async (db) => {
    await lockDataKeys(db);
    const all = await readDataKeys(db);
    for (const each of all) await putDataKey(db, each.environmentId, rewrap(keys, next, each));
    return all.length;
  });
  keys.adoptNext();
  return { environments: rotated, masterKeyId: next.id };
}

function rewrap(keys: MasterKeys, next: MasterKey, of: DataKeyOf): WrappedDataKey {
  return wrap(next, of.environment, unwrapDataKey(keys, of.environment, of));
}

function keyMissing(keys: MasterKeys | null, environments: readonly string[]): CloudCodeError {
  const where = keys === null ? '' : `: there is none in ${keys.place}`;
  return new CloudCodeError(
    'master_key_missing',
    `The masked variables of ${named(environments)} cannot be read without the master key${where}.`,
    { hint: howToGiveKey },
  );
}

function keyWrong(place: string, environments: readonly string[]): CloudCodeError {
  return new CloudCodeError(
    'master_key_wrong',
    `The masked variables of ${named(environments)} were encrypted with another master key than the one in ${place}.`,
    { hint: howToGiveKey },
  );
}

const howToGiveKey =
  'Give the key that they were encrypted with: in CLOUDCODE_MASTER_KEY, or by copying master.key from the data folder (.cloudcode) of the machine that has it, with mode 0600. If it is lost, so are they: environments that are deleted and made anew, or `cloudcode variables unset` of each masked one, begin again.';

function named(environments: readonly string[]): string {
  const shown = environments
    .slice(0, 5)
    .map((each) => `\`${each}\``)
    .join(', ');
  return environments.length > 5 ? `${shown}, …` : shown;
}
