// The types of `cloudcode/client`: for programs that work with a server. cloudcode-client.ts is checked against it.
import type { ScheduleOptions, TaskName } from '../sdk/cloudcode.d.ts';
import type { ListedRun, Operations, Run } from './api.d.ts';

export type * from './api.d.ts';

export interface ClientOptions {
  /** Of the server: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Sent with each request; no server asks for one yet. */
  readonly token?: string | undefined;
  /** `testing` unless given. */
  readonly environment?: string;
}

/** `runs.schedule`, `queues.pause`: what the API calls it (docs/openapi.json). */
export type OperationName = {
  [Name in keyof Operations]: Operations[Name] extends { answer: unknown } ? Name : never;
}[keyof Operations];
/** Those that give events. */
export type StreamName = {
  [Name in keyof Operations]: Operations[Name] extends { events: unknown } ? Name : never;
}[keyof Operations];

export type InputOf<Name extends keyof Operations> = Operations[Name]['input'];
export type AnswerOf<Name extends OperationName> = Operations[Name] extends { answer: infer Answer } ? Answer : never;
export type EventOf<Name extends StreamName> = Operations[Name] extends { events: infer Events }
  ? { [Event in keyof Events]: { readonly event: Event; readonly data: Events[Event] } }[keyof Events]
  : never;

export interface FollowOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

export interface CallOptions extends FollowOptions {
  /** Asked again with the same key within 24 hours, what makes something makes it once, and gives the first answer. */
  readonly idempotencyKey?: string | undefined;
}

/**
 * A server, and one of its environments. With cloudcode-env.d.ts (`cloudcode types`) among the compiler's files, the names of the project's tasks and their
 * parameters are checked. Every method throws a CloudCodeError: its `code` is one of docs/errors.md, `server_unreachable` when the server cannot be reached.
 */
export declare class CloudCodeClient {
  constructor(options: ClientOptions);
  readonly environment: string;
  /** Schedules a run; with a `key`, gives the unfinished run that has it. Resolves once it is durable. */
  scheduleTask<Name extends TaskName>(options: ScheduleOptions<Name>, how?: CallOptions): Promise<Run>;
  /** Schedules up to 1,000 runs in one transaction: all or none. */
  scheduleTasks(list: readonly ScheduleOptions[], how?: CallOptions): Promise<readonly { readonly id: string }[]>;
  /** Waits until a run is finished, and gives it. It may have failed: `state` says so. */
  waitForRun(id: string, how?: FollowOptions): Promise<Run>;
  /** The runs to which all of the filters apply, newest first, page by page as they are taken. */
  runs(filter?: Omit<InputOf<'runs.list'>, 'cursor'>): AsyncGenerator<ListedRun, void>;
  /** Any operation of the API, by its name. */
  call<Name extends OperationName>(name: Name, input: InputOf<Name>, how?: CallOptions): Promise<AnswerOf<Name>>;
  /** The events of an operation, to its last; where that can be taken up again, a stream that breaks is. */
  follow<Name extends StreamName>(
    name: Name,
    input: InputOf<Name>,
    how?: FollowOptions,
  ): AsyncGenerator<EventOf<Name>, void>;
}

/** What a server refuses, and what keeps it from answering. */
export declare class CloudCodeError extends Error {
  /** Stable. */
  readonly code: string;
  /** What to do. */
  readonly hint: string | undefined;
}
