import type { Answering, AnswerOf, EventOf, InputOf, Operation, Streaming } from '../api/operation.ts';
import type { Service } from './service.ts';

/** An answer, or the data of an event, as the JSON text that the database has of it: parsing 5 MB, or writing them, would hold up the runner of this process. */
export class JsonText {
  readonly text: string;
  /** 201: something was made. */
  readonly status: number;
  /** Of what the answer shows. */
  readonly location: string | null;

  constructor(text: string, { status, location }: Partial<Pick<JsonText, 'status' | 'location'>> = {}) {
    this.text = text;
    this.status = status ?? 200;
    this.location = location ?? null;
  }
}

/** Whoever waits for an answer. */
export interface Asker {
  /** Of something that is to be made once; null without. */
  readonly idempotencyKey: string | null;
  /** A signal that aborts when nobody waits any more, or the server closes. */
  readonly untilGone: () => AbortSignal;
}

/** Whoever follows a stream. */
export interface Follower {
  /** Aborts when nobody listens any more. */
  readonly signal: AbortSignal;
  /** Aborts when the server closes: a stream then ends after one more look. */
  readonly lastLook?: AbortSignal;
}

type Told<Event> = Event extends { readonly event: infer Name; readonly data: infer Data }
  ? { readonly event: Name; readonly data: Data | JsonText; readonly id?: number }
  : never;

/** Events that belong together are sent together. */
export type Events<Of extends Operation> = AsyncIterable<readonly Told<EventOf<Of>>[]>;

type Answer<Of extends Answering> = (
  service: Service,
  input: InputOf<Of>,
  asker: Asker,
) => Promise<AnswerOf<Of> | JsonText>;

/** What a stream is refused for is thrown before it begins. */
type Follow<Of extends Streaming> = (service: Service, input: InputOf<Of>, follower: Follower) => Promise<Events<Of>>;

/** Carries an operation out. */
export type Handler<Of extends Operation> = (Of extends Answering ? { readonly answer: Answer<Of> } : unknown) &
  (Of extends Streaming ? { readonly follow: Follow<Of> } : unknown);

/** One handler for each operation of a resource: one that is missing does not compile. */
export type Handlers<Resource> = {
  readonly [Name in keyof Resource]: Resource[Name] extends Operation ? Handler<Resource[Name]> : never;
};
