import { setTimeout as sleep } from 'node:timers/promises';
import { CloudCodeError } from '../engine/core/errors.ts';
import { addressOf, type AnswerOf, type EventOf, makesSomething, type Operation } from '../service/api/operation.ts';
import type { Backend } from './backend.ts';
import { followEvents } from './follow-events.ts';
import { type Request, requestJson, type Server, withoutSecrets } from './request-json.ts';

export interface ServerAddress {
  readonly url: string;
  readonly token?: string | undefined;
  readonly environment: string;
  /** What to do when it cannot be reached. */
  readonly hint?: string | undefined;
}

/** Of an answer that was lost with its connection: the server may have done what was asked for. */
const lostCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
/** A server that was restarted meanwhile is there again by then. */
const againAfterMs = [100, 500, 2000];

/** A server's HTTP API. What makes something is asked for with an Idempotency-Key, and again when its answer was lost: it is made once. What it answers is taken for what was declared. */
export function httpBackend({ url, token, environment, hint }: ServerAddress): Backend {
  const server = { url, token, hint };
  const requestOf = (operation: Operation, input: { readonly body?: unknown }) => ({
    path: addressOf(operation, { ...input, environment }),
    method: operation.method,
    body: input.body,
  });
  const send: Backend['send'] = async (operation, input) => {
    const { path, ...request } = requestOf(operation, input);
    const { status, body } = makesSomething(operation)
      ? await sendOnce(server, path, request)
      : await requestJson(server, path, request);
    return { answer: body as AnswerOf<typeof operation>, isNew: status === 201 };
  };
  return {
    name: withoutSecrets(url),
    send,
    call: async (operation, input) => (await send(operation, input)).answer,
    async *follow(operation, input, signal) {
      const events = followEvents(server, { operation, ...requestOf(operation, input), signal });
      for await (const { event, data } of events)
        yield { event, data: JSON.parse(data) as unknown } as EventOf<typeof operation>;
    },
  };
}

/** @throws as requestJson */
async function sendOnce(server: Server, path: string, request: Request): ReturnType<typeof requestJson> {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  for (const ms of againAfterMs) {
    try {
      return await requestJson(server, path, { ...request, headers });
    } catch (error) {
      if (!isLost(error)) throw error;
      await sleep(ms);
    }
  }
  return requestJson(server, path, { ...request, headers });
}

function isLost(error: unknown): boolean {
  const { cause } = error instanceof CloudCodeError && error.cause instanceof Error ? error.cause : {};
  return lostCodes.has((cause as { readonly code?: string } | undefined)?.code ?? '');
}
