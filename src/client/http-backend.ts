import type { AnswerOf, EventOf, Operation } from '../service/api/operation.ts';
import type { Backend } from './backend.ts';
import { followEvents } from './follow-events.ts';
import { entryOf, pathOf } from './operation-entry.ts';
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
  const requestOf = ({ name }: Operation, input: { readonly body?: unknown }) => {
    const entry = entryOf(name);
    return { entry, path: pathOf(entry, { ...input, environment }), body: input.body };
  };
  const send: Backend['send'] = async (operation, input) => {
    const { entry, path, body } = requestOf(operation, input);
    const answered = await requestJson(server, path, { method: entry.method, body });
    return { answer: answered.body as AnswerOf<typeof operation>, isNew: answered.status === 201 };
  };
  return {
    name: withoutSecrets(url),
    send,
    call: async (operation, input) => (await send(operation, input)).answer,
    async *follow(operation, input, signal) {
      for await (const { event, data } of followEvents(server, { ...requestOf(operation, input), signal }))
        yield { event, data: JSON.parse(data) as unknown } as EventOf<typeof operation>;
    },
  };
}
