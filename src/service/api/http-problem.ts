import { z } from 'zod';
import { CloudCodeError, errorCatalogue, type ErrorCode } from '../../engine/core/errors.ts';

/** The body of an error's answer: RFC 9457, with the error's code, and what to do on its own. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What happened and, as its last words, the hint. */
  readonly detail: string;
  readonly code: ErrorCode;
  readonly hint?: string;
}

export const problemMediaType = 'application/problem+json';

export function problemOf(error: CloudCodeError): Problem {
  const { title, status } = errorCatalogue[error.code];
  const detail = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  const problem = { type: `urn:cloudcode:error:${error.code}`, title, status, detail, code: error.code };
  return error.hint === undefined ? problem : { ...problem, hint: error.hint };
}

const problemBody = z.object({ code: z.string(), detail: z.string(), hint: z.string().optional() });

/** The error that a problem came from; null when the body is none of ours. A code of a later version counts as `internal`. */
export function errorOfProblem(body: unknown): CloudCodeError | null {
  const parsed = problemBody.safeParse(body);
  if (!parsed.success) return null;
  const { code, detail, hint } = parsed.data;
  const message = hint !== undefined && detail.endsWith(hint) ? detail.slice(0, -hint.length).trimEnd() : detail;
  return new CloudCodeError(isKnownCode(code) ? code : 'internal', message, { hint });
}

function isKnownCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
