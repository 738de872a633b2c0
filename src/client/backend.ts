import type { NumberedLine, Queue, Run } from '../engine/core/run.ts';
import type { Answering, AnswerOf, CallOf, EventOf, Streaming } from '../service/api/operation.ts';
import { queues } from '../service/api/queues.ts';
import { runs } from '../service/api/runs.ts';

/** What commands work on: a server's API, or a store. Refusals are CloudCodeErrors with the same codes either way. */
export interface Backend {
  /** For messages: an address without secrets. */
  readonly name: string;
  /** Has an operation carried out in the environment of this backend. @throws CloudCodeError of the operation; of a server also `server_unreachable` */
  call<Of extends Answering>(operation: Of, input: CallOf<Of>): Promise<AnswerOf<Of>>;
  /** The same, with whether something was made. */
  send<Of extends Answering>(operation: Of, input: CallOf<Of>): Promise<Sent<AnswerOf<Of>>>;
  /** The events of a stream to its last one, or until the signal aborts. @throws CloudCodeError as `call`, also of work that was refused when it had begun */
  follow<Of extends Streaming>(
    operation: Of,
    input: CallOf<Of>,
    signal: AbortSignal,
  ): AsyncGenerator<EventOf<Of>, void>;
}

export interface Sent<Answer> {
  readonly answer: Answer;
  readonly isNew: boolean;
}

/** All lines of a run, as they come, until it is finished or the signal aborts. @returns the run as it ended, or null when the signal aborted */
export async function* followLogs(
  backend: Backend,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<NumberedLine, Run | null> {
  for await (const event of backend.follow(runs.logs, { id }, signal)) {
    if (event.event === 'end') return event.data;
    yield event.data;
  }
  return null;
}

/** The lines of a run that there are now. */
export async function* readLogs(backend: Backend, id: string): AsyncGenerator<NumberedLine, void> {
  for (let after: number | undefined; ;) {
    const { lines, nextAfter } = await backend.call(runs.logs, { id, after });
    yield* lines;
    if (nextAfter === undefined) return;
    after = nextAfter;
  }
}

/** The queues of all pages. */
export async function allQueues(backend: Backend): Promise<readonly Queue[]> {
  const all: Queue[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await backend.call(queues.list, { cursor });
    all.push(...page.queues);
    if (page.nextCursor === undefined) return all;
    cursor = page.nextCursor;
  }
}

/** Work that tells its steps. */
type Work<Result> = AsyncIterable<
  { readonly event: 'step'; readonly data: string } | { readonly event: 'done'; readonly data: Result }
>;

/** Follows work to its end. @returns null when its signal ended that */
export async function resultOf<Result>(work: Work<Result>, onStep: (step: string) => void): Promise<Result | null> {
  for await (const event of work) {
    if (event.event === 'done') return event.data;
    onStep(event.data);
  }
  return null;
}
