import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CloudCodeError, errorCatalogue } from '../../engine/core/errors.ts';
import { problemMediaType, problemOf } from '../api/http-problem.ts';
import { messageOf } from '../../engine/core/thrown.ts';

/** Seconds after which to ask again while the database is away. */
const retryAfterSeconds = 2;

/** Makes every error an RFC 9457 problem. What is no CloudCodeError is logged with its stack, and the answer says nothing of it. */
export function answerErrors(server: FastifyInstance, log: (message: string) => void): void {
  server.setErrorHandler((error, request, reply) => sendProblem(reply, toRefusal(error, request, log)));
  server.setNotFoundHandler((request, reply) => sendProblem(reply, notFound(request)));
}

/** What is no CloudCodeError is logged, and becomes one that says nothing of it. */
export function toRefusal(
  error: unknown,
  { method, url }: Pick<FastifyRequest, 'method' | 'url'>,
  log: (message: string) => void,
): CloudCodeError {
  const known = error instanceof CloudCodeError ? error : fromFastify(error);
  if (known !== null) return known;
  log(`${method} ${url.slice(0, 200)}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return new CloudCodeError('internal', 'The request failed inside CloudCode.', {
    hint: "The server's log has the stack.",
  });
}

/** Nothing is there, or not by this method. */
export function notFound({ method, url }: Pick<FastifyRequest, 'method' | 'url'>): CloudCodeError {
  const { pathname } = new URL(url, 'http://server');
  return new CloudCodeError('not_found', `There is no ${method} ${pathname.slice(0, 200)}.`, {
    hint: 'The addresses are in docs/http.md.',
  });
}

export function sendProblem(reply: FastifyReply, error: CloudCodeError): FastifyReply {
  const { status } = errorCatalogue[error.code];
  if (status === 503) void reply.header('retry-after', String(retryAfterSeconds));
  // As bytes, because fastify adds a charset to text, which JSON does not have.
  return reply
    .code(status)
    .header('content-type', problemMediaType)
    .send(Buffer.from(JSON.stringify(problemOf(error))));
}

/** What fastify refuses by itself. */
export function fromFastify(error: unknown): CloudCodeError | null {
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  const message = messageOf(error);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new CloudCodeError('body_too_large', 'The body is larger than this server reads.', {
      hint: 'Parameters may take 5 MB: put what is larger elsewhere and pass where.',
    });
  }
  if (code === 'FST_ERR_BAD_URL')
    return new CloudCodeError('not_found', 'The address is not correctly percent-encoded.', {
      hint: 'Use encodeURIComponent for each name in it.',
    });
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new CloudCodeError('invalid_body', `${message}.`.replace(/\.\.$/, '.'));
  return null;
}
