import type { Backend } from '../client/backend.ts';
import { withoutSecrets } from '../client/request-json.ts';
import type { Store } from '../engine/store/open-store.ts';
import type { AnswerOf, EventOf, Operation } from '../service/api/operation.ts';
import { readBody } from '../service/api/read-input.ts';
import { JsonText } from '../service/operations/handler.ts';
import { handlerOf } from '../service/operations/handlers.ts';
import { openService, type Service } from '../service/operations/service.ts';

/** A store, directly: the handlers that a server calls, without HTTP. */
export function storeBackend(
  store: Store,
  environment: string,
  parts: Pick<Service, 'keys' | 'environmentData' | 'readState' | 'checkStart'> = {},
): Backend {
  const service = openService({ store, ...parts });
  const asker = { idempotencyKey: null, untilGone: () => new AbortController().signal };
  const inputOf = (operation: Operation, input: { readonly body?: unknown }): object => ({
    ...input,
    environment,
    ...readBody(operation, input.body),
  });
  const send: Backend['send'] = async (operation, input) => {
    const answered = await handlerOf(operation).answer?.(service, inputOf(operation, input), asker);
    const isNew = answered instanceof JsonText && answered.status === 201;
    return { answer: valueOf(answered) as AnswerOf<typeof operation>, isNew };
  };
  return {
    name: withoutSecrets(store.url),
    send,
    call: async (operation, input) => (await send(operation, input)).answer,
    async *follow(operation, input, signal) {
      const pages = await handlerOf(operation).follow?.(service, inputOf(operation, input), { signal });
      for await (const page of pages ?? [])
        for (const { event, data } of page) yield { event, data: valueOf(data) } as EventOf<typeof operation>;
    },
  };
}

function valueOf(answered: unknown): unknown {
  return answered instanceof JsonText ? (JSON.parse(answered.text) as unknown) : answered;
}
