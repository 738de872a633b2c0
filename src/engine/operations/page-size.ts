import { CloudCodeError } from '../core/errors.ts';

/** @throws CloudCodeError `invalid_filter` */
export function refusePageSize(limit: number, max: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return;
  throw new CloudCodeError('invalid_filter', `\`limit\` is ${limit}; it must be a whole number from 1 to ${max}.`, {
    hint: 'Take several pages: give `nextCursor` back as `cursor`.',
  });
}
