import fastify, { type FastifyInstance } from 'fastify';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { openService, type Service } from '../operations/service.ts';
import { addRoutes, refuseUndeclared } from './add-routes.ts';
import { answerErrors, fromFastify, sendProblem } from './answer-errors.ts';
import { largestParsedHere, readJsonBody } from './read-json-body.ts';
import { refuseForeign } from './refuse-foreign.ts';

export interface ServerOptions extends Omit<Service, 'watch'> {
  /** Gets what went wrong inside, with the stack. */
  readonly log: (message: string) => void;
}

/** A connection on which nothing has moved for so long is closed: a client that does not read must not keep what was meant for it. Streams send something more often, and whoever waits for a run's end does so for a minute at most. */
const stalledMs = 90_000;
/** How long a closing server goes on with what it is answering; a client that does not read must not keep it. */
const lastAnswersMs = 5000;
/** 512 characters of 4 bytes, percent-encoded. */
const maxParamLength = 512 * 4 * 3;

/** The HTTP API on a store. Listening is for the caller, closing too: `close()` ends open event streams. */
export function createServer(options: ServerOptions): FastifyInstance {
  const server = fastify({
    // Where nothing is said to take more. What is larger is not parsed.
    bodyLimit: largestParsedHere,
    connectionTimeout: stalledMs,
    routerOptions: { maxParamLength },
    // What is being answered is answered: a run that was stored must not look as if it was not.
    forceCloseConnections: 'idle',
    // What comes while the streams end is still answered.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply, fromFastify(error) ?? new CloudCodeError('internal', error.message)),
  });
  server.addHook('preClose', (done) => {
    setTimeout(() => server.server.closeAllConnections(), lastAnswersMs).unref();
    done();
  });
  answerErrors(server, options.log);
  readJsonBody(server);
  server.addHook('onRequest', async (request, reply) => {
    void reply
      .header('x-content-type-options', 'nosniff')
      .header('cross-origin-resource-policy', 'same-origin')
      .header('cache-control', 'no-store');
    refuseForeign(request);
  });
  refuseUndeclared(server);
  addRoutes(server, openService(options), options.log);
  return server;
}
