import type { FastifyInstance } from 'fastify';
import { parseBody } from './parse-body.ts';

/** What is parsed here takes some milliseconds at most. */
export const largestParsedHere = 100 * 1024;

/** A body that is too large to be parsed on the loop of the runner. */
export class LargeBody {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** A body that is bytes. */
export const bytesType = 'application/octet-stream';

/**
 * Makes application/json the only body, but where an operation takes bytes. JSON is read as exact UTF-8; an empty one is `undefined`, one of more than 100 KB a LargeBody. A mistake in it is answered with its place.
 */
export function readJsonBody(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, body.length > largestParsedHere ? new LargeBody(body as Buffer) : parseBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addContentTypeParser(bytesType, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}
