import type { FastifyInstance } from 'fastify';
import { CloudCodeError } from '../core/errors.ts';
import { parseJson } from '../protocol/parse-json.ts';

/**
 * Makes application/json the only body, read as exact UTF-8; an empty one is `undefined`. A mistake in it is answered with its place.
 */
export function readJsonBody(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  const parsed = parseJson(decode(body));
  if (parsed.mistake === null) return parsed.value;
  throw new CloudCodeError('invalid_body', `The body is not JSON: ${parsed.mistake}.`);
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new CloudCodeError('invalid_body', 'The body is not UTF-8.', { hint: 'Encode it as UTF-8, without compression.', cause: error });
  }
}
