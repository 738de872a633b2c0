import { CloudCodeError } from '../../engine/core/errors.ts';
import { makesSomething, type Operation } from './operation.ts';

/** Of a request; null where there is none, and for what makes nothing. @throws CloudCodeError `invalid_idempotency_key` */
export function readIdempotencyKey(of: Operation, header: string | readonly string[] | undefined): string | null {
  if (header === undefined || !makesSomething(of)) return null;
  if (typeof header === 'string' && /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  throw new CloudCodeError(
    'invalid_idempotency_key',
    'The `Idempotency-Key` must have 1 to 255 characters of ASCII, without control characters.',
    { hint: 'A UUID is a good one.' },
  );
}
