import { CloudCodeError, errorCatalogue } from '../../engine/core/errors.ts';

/** Whether a write that failed so may have been done all the same: its answer was lost. A refusal has done nothing. */
export function isUncertain(error: unknown): boolean {
  return !(error instanceof CloudCodeError) || errorCatalogue[error.code].status >= 500;
}
