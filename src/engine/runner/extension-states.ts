import { readExtensionState } from '../store/deployments.ts';
import type { Queryable } from '../store/open-store.ts';
import { DeploymentDamaged } from './deployment-damaged.ts';

/** Gives what the extension has added to a deployment, by its hash; null for the hash null. */
export type ExtensionStates = (hash: string | null) => Promise<unknown>;

/** Reads each once: it never changes. */
export function openExtensionStates(db: Queryable): ExtensionStates {
  const read = async (hash: string): Promise<unknown> => {
    const state = await readExtensionState(db, hash);
    if (state === null) throw new DeploymentDamaged(`The state of its extension, ${hash}, is not in the database.`);
    return state;
  };
  const known = new Map<string, Promise<unknown>>();
  return (hash) => {
    if (hash === null) return Promise.resolve(null);
    const state = known.get(hash) ?? read(hash);
    known.set(hash, state);
    state.catch(() => known.delete(hash));
    return state;
  };
}
