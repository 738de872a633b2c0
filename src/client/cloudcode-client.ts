import { CloudCodeError } from '../engine/core/errors.ts';
import type {
  AnswerOf,
  CallOptions,
  ClientOptions,
  CloudCodeClient as Declared,
  EventOf,
  FollowOptions,
  InputOf,
  OperationName,
  StreamName,
} from './client.d.ts';
import type { Run } from './api.d.ts';
import { followEvents } from './follow-events.ts';
import { entryOf, pathOf } from './operation-entry.ts';
import { requestJson, type Server } from './request-json.ts';

const maxWaitSeconds = 60;
const isFinal: Readonly<Record<Run['state'], boolean>> = {
  scheduled: false,
  queued: false,
  running: false,
  succeeded: true,
  failed: true,
  dead: true,
  cancelled: true,
};

/** `client.d.ts` says what each does. */
export class CloudCodeClient implements Declared {
  readonly environment: string;
  readonly #server: Server;

  constructor({ url, token, environment = 'testing' }: ClientOptions) {
    this.environment = environment;
    this.#server = { url, token };
  }

  scheduleTask: Declared['scheduleTask'] = async (options, { idempotencyKey, signal } = {}) =>
    this.call('runs.schedule', { body: options as never }, { idempotencyKey, signal });

  scheduleTasks: Declared['scheduleTasks'] = async (list, { idempotencyKey, signal } = {}) => {
    const answer = await this.call('runs.scheduleBatch', { body: { runs: list } as never }, { idempotencyKey, signal });
    return answer.runs;
  };

  waitForRun: Declared['waitForRun'] = async (id, { signal } = {}) => {
    for (;;) {
      signal?.throwIfAborted();
      const run = await this.call('runs.get', { id, wait: maxWaitSeconds }, { signal });
      if (isFinal[run.state]) return run;
    }
  };

  async *runs(filter: Omit<InputOf<'runs.list'>, 'cursor'> = {}): ReturnType<Declared['runs']> {
    for (let cursor: string | undefined; ;) {
      const page = await this.call('runs.list', { ...filter, cursor });
      yield* page.runs;
      if (page.nextCursor === null) return;
      cursor = page.nextCursor;
    }
  }

  async call<Name extends OperationName>(
    name: Name,
    input: InputOf<Name>,
    { idempotencyKey, signal }: CallOptions = {},
  ): Promise<AnswerOf<Name>> {
    const entry = entryOf(name);
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const request = { method: entry.method, body: bodyOf(input), headers, ...(signal === undefined ? {} : { signal }) };
    try {
      return (await requestJson(this.#server, this.#pathOf(name, input), request)).body as AnswerOf<Name>;
    } catch (error) {
      // Whoever has given up wants to be told that, and not what came of it.
      signal?.throwIfAborted();
      throw error;
    }
  }

  async *follow<Name extends StreamName>(
    name: Name,
    input: InputOf<Name>,
    { signal = new AbortController().signal }: FollowOptions = {},
  ): AsyncGenerator<EventOf<Name>, void> {
    const request = { entry: entryOf(name), path: this.#pathOf(name, input), body: bodyOf(input), signal };
    for await (const { event, data } of followEvents(this.#server, request))
      yield { event, data: JSON.parse(data) as unknown } as EventOf<Name>;
  }

  #pathOf(name: string, input: object): string {
    return pathOf(entryOf(name), { ...input, environment: this.environment });
  }
}

function bodyOf(input: object): unknown {
  return 'body' in input ? input.body : undefined;
}

export { CloudCodeError };
