import { CloudCodeError } from '../../engine/core/errors.ts';
import { sqlState } from '../../engine/store/store-error.ts';

/** A column or table is not there. */
const gone = new Set(['42703', '42P01']);

/** The data model of an attempt names what a deployment has renamed since. Its next attempt has the new one. */
export class OutdatedModel extends CloudCodeError {}

/** An error of a statement of an attempt, as what it means to it. */
export function asOutdated(error: unknown): unknown {
  if (!gone.has(sqlState(error) ?? '')) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new OutdatedModel('data_model_conflict', `The tables have changed since this attempt began: ${what}.`, {
    hint: 'A deployment has renamed it. The next attempt has the new data model.',
    cause: error,
  });
}
