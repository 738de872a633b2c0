import { CloudCodeError, type ErrorCode, errorCatalogue } from './errors.ts';

/** The error that a problem (RFC 9457) came from; null when it is none of ours. A code of a later version counts as `internal`. */
export function errorOfProblem(body: unknown): CloudCodeError | null {
  const { type, title, status, detail, code, hint } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (![type, title, detail, code].every((each) => typeof each === 'string') || typeof status !== 'number') return null;
  const known = { code: String(code), detail: String(detail), hint: typeof hint === 'string' ? hint : undefined };
  const message =
    known.hint !== undefined && known.detail.endsWith(known.hint)
      ? known.detail.slice(0, -known.hint.length).trimEnd()
      : known.detail;
  return new CloudCodeError(isKnownCode(known.code) ? known.code : 'internal', message, { hint: known.hint });
}

function isKnownCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
