import type { ErrorCode } from '../../engine/core/errors.ts';
import { inEnvironment, makesSomething, type Operation } from './operation.ts';

/** All codes that requests for an operation may be refused with before it has begun: its own, and those that come with what it takes. */
export function refusalsOf(of: Operation): readonly ErrorCode[] {
  const { method, path, refusals = [] } = of;
  return [
    ...refusals,
    ...(path.startsWith(inEnvironment) ? (['environment_not_found', 'database_unreachable'] as const) : []),
    ...(method === 'POST' ? (['invalid_body', 'body_too_large', 'unsupported_media_type'] as const) : []),
    ...(method === 'POST' && path.startsWith(inEnvironment) ? (['environment_deleting'] as const) : []),
    ...(makesSomething(of) ? (['invalid_idempotency_key', 'idempotency_key_reused'] as const) : []),
    'invalid_filter',
    'forbidden_host',
    'internal',
  ];
}
