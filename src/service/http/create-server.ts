import fastify, { type FastifyInstance } from 'fastify';
import type { Store } from '../../engine/store/open-store.ts';
import { answerErrors, fromFastify, sendProblem } from './answer-errors.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { DeploymentBody, FolderBody } from '../api/http-project.ts';
import { healthRoutes } from './health-routes.ts';
import { logRoutes } from './log-routes.ts';
import { projectRoutes } from './project-routes.ts';
import { queueRoutes } from './queue-routes.ts';
import { largestParsedHere, readJsonBody } from './read-json-body.ts';
import { refuseForeign } from './refuse-foreign.ts';
import { runRoutes } from './run-routes.ts';
import type { Waiting } from './stream-work.ts';

export interface FolderState {
  /** How the folder stands to what is deployed; one that is watched is deployed first when it has changed. */
  readonly look: (onStep?: (step: string) => void) => Promise<FolderBody>;
  /** Whether the folder has a task of this name now. */
  readonly hasTask: (task: string) => Promise<boolean>;
  /** Deploys the folder as it stands. Null when the signal ended the build. */
  readonly deploy: (environment: string, waiting: Waiting) => Promise<DeploymentBody | null>;
}

export interface ServerOptions {
  readonly store: Store;
  readonly project: { readonly name: string; readonly folder: string };
  /** Without it the server says nothing of its folder. */
  readonly folderState?: FolderState;
  /** False while the server is not yet, or no longer, to be given work: `/ready` says so. */
  readonly isReady?: () => boolean;
  /** Why its runner's machine cannot start runs; null while it can. */
  readonly unfitReason?: () => string | null;
  /** Gets what went wrong inside, with the stack. */
  readonly log: (message: string) => void;
}

/** A connection on which nothing has moved for so long is closed: a client that does not read must not keep what was meant for it. Streams send something more often. */
const stalledMs = 60_000;
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
  healthRoutes(server, options);
  void server.register(
    async (api) => {
      runRoutes(api, options);
      logRoutes(api, options.store);
      queueRoutes(api, options.store);
      projectRoutes(api, options);
    },
    { prefix: '/api/v1/environments/:environment' },
  );
  return server;
}
