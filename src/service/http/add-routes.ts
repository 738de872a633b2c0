import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readIdempotencyKey } from '../api/idempotency-key.ts';
import { type Operation, permissions } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { queryReader, readBody, readPath } from '../api/read-input.ts';
import { JsonText } from '../operations/handler.ts';
import { handlerOf } from '../operations/handlers.ts';
import type { Service } from '../operations/service.ts';
import { openBodyReader } from './large-bodies/read-apart.ts';
import { LargeBody } from './read-json-body.ts';
import { openStreams, wantsEvents } from './send-stream.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route was declared for. */
    readonly operation?: Operation;
  }
}

/** Refuses, when it is added, a route that no operation was declared for, or one without a permission: nobody could say who may ask for it. */
export function refuseUndeclared(server: FastifyInstance): void {
  server.addHook('onRoute', ({ method, url, config }) => {
    const permission = config?.operation?.permission;
    if (permission === undefined || !permissions.includes(permission))
      throw new Error(`${String(method)} ${url} is not declared as an operation with its permission.`);
  });
}

/** A route for each operation that is declared. */
export function addRoutes(server: FastifyInstance, service: Service, log: (message: string) => void): void {
  const apart = openBodyReader();
  server.addHook('onClose', () => apart.close());
  const streams = openStreams(server, log);
  for (const operation of operations) {
    const { method, path: url, maxBodyBytes } = operation;
    const { answer, follow } = handlerOf(operation);
    const readQuery = queryReader(operation);
    const read = async ({ params, query, body }: FastifyRequest): Promise<object> => {
      const path = readPath(params);
      const asked = readQuery(query);
      const sent = body instanceof LargeBody ? await apart.read(operation, body.bytes) : readBody(operation, body);
      return { ...asked, ...sent, ...path };
    };
    server.route({
      method,
      url,
      config: { operation },
      ...(maxBodyBytes === undefined ? {} : { bodyLimit: maxBodyBytes }),
      handler: async (request, reply) => {
        const input = await read(request);
        if (follow !== undefined && (answer === undefined || wantsEvents(request.headers.accept)))
          return streams.send({ operation, request, reply }, (follower, after) =>
            follow(service, { ...input, ...after }, follower),
          );
        const idempotencyKey = readIdempotencyKey(operation, request.headers['idempotency-key']);
        const asker = { idempotencyKey, untilGone: () => streams.untilGone(reply) };
        return send(reply, await answer?.(service, input, asker));
      },
    });
  }
}

function send(reply: FastifyReply, answered: unknown): FastifyReply {
  if (!(answered instanceof JsonText)) return reply.send(answered);
  if (answered.location !== null) void reply.header('location', answered.location);
  return reply.code(answered.status).header('content-type', 'application/json; charset=utf-8').send(answered.text);
}
