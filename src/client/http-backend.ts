import { addressOf, type AnswerOf, type EventOf, type Operation } from '../service/api/operation.ts';
import type { Backend } from './backend.ts';
import { followEvents } from './follow-events.ts';
import { requestJson, withoutSecrets } from './request-json.ts';

export interface ServerAddress {
  readonly url: string;
  readonly token?: string | undefined;
  readonly environment: string;
  /** What to do when it cannot be reached. */
  readonly hint?: string | undefined;
}

/** A server's HTTP API. What it answers is taken for what was declared. */
export function httpBackend({ url, token, environment, hint }: ServerAddress): Backend {
  const server = { url, token, hint };
  const requestOf = (operation: Operation, input: { readonly body?: unknown }) => ({
    path: addressOf(operation, { ...input, environment }),
    method: operation.method,
    body: input.body,
  });
  const send: Backend['send'] = async (operation, input) => {
    const { path, ...request } = requestOf(operation, input);
    const { status, body } = await requestJson(server, path, request);
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
