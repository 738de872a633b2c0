import { messageOf } from '../core/thrown.ts';
import type { StoredVariables } from '../store/variables.ts';
import { unwrapDataKey } from './data-keys.ts';
import type { MasterKeys } from './master-key.ts';
import { unseal } from './seal.ts';

/** What an environment gives its tasks. */
export interface GivenVariables {
  /** { NAME: value }. */
  readonly variablesJson: string;
  /** The values of those that are masked. */
  readonly secrets: readonly string[];
  /** Why those that are masked cannot be read on this machine, so that none of its runs can be started here; null when they can. */
  readonly keyFault: string | null;
}

export const sealedFor = (environment: string, name: string): readonly string[] => ['variable', environment, name];

/**
 * Unseals what is masked; what was set counts before the configuration. A data key that was unwrapped once is remembered for as long as it fits: a runner goes on with its runs when the master key
 * is replaced.
 */
export function variablesOpener(keys: MasterKeys | null): (stored: StoredVariables) => GivenVariables {
  const dataKeys = new Map<string, Buffer>();
  const keyFor = ({ environment, dataKey }: StoredVariables, variable: SealedVariable): Buffer => {
    const known = dataKeys.get(environment);
    if (known !== undefined && unsealed(environment, variable, known) !== null) return known;
    if (dataKey === null) throw new Error(`The environment ${environment} has masked variables and no data key.`);
    const key = unwrapDataKey(keys, environment, dataKey);
    dataKeys.set(environment, key);
    return key;
  };
  const open = (stored: StoredVariables, variable: SealedVariable): string => {
    const text = unsealed(stored.environment, variable, keyFor(stored, variable));
    if (text !== null) return text;
    throw new Error(
      `The masked variable ${variable.name} of the environment ${stored.environment} was altered in the database, or moved there: set it again (cloudcode variables set ${variable.name} --masked).`,
    );
  };
  return (stored) => {
    const given = new Map(Object.entries(stored.configured));
    const secrets: string[] = [];
    try {
      for (const { name, value, sealed } of stored.set) {
        const text = sealed === null ? (value ?? '') : open(stored, { name, sealed });
        given.set(name, text);
        if (sealed !== null) secrets.push(text);
      }
    } catch (error) {
      return { variablesJson: '{}', secrets: [], keyFault: messageOf(error) };
    }
    return { variablesJson: JSON.stringify(Object.fromEntries(given)), secrets, keyFault: null };
  };
}

interface SealedVariable {
  readonly name: string;
  readonly sealed: string;
}

function unsealed(environment: string, { name, sealed }: SealedVariable, key: Buffer): string | null {
  return unseal(key, Buffer.from(sealed, 'base64'), sealedFor(environment, name))?.toString('utf8') ?? null;
}
