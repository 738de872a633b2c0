import { sqlState, violatedConstraint } from '../../engine/store/store-error.ts';

const programLimitExceeded = '54000';

/**
 * What to say when the database refused values because they are too long for an index: an entry of a B-tree has about 2,700 bytes at most, after
 * compression. Null for any other error.
 */
export function indexRefusal(error: unknown): string | null {
  const index = violatedConstraint(error);
  if (sqlState(error) !== programLimitExceeded || index === null) return null;
  const [model = index, name = ''] = index.split('.', 2);
  return `a value of model ${model} is too long for its index ${name}, which takes about 2,700 bytes.`;
}
