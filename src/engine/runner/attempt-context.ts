import type { Extension } from '../operations/extension.ts';
import type { Store } from '../store/open-store.ts';
import type { AnswerCalls } from './answer-calls.ts';
import type { OnEvent } from './events.ts';
import type { WriteEnd } from './write-ends.ts';

/** What the attempts of a runner share. */
export interface AttemptContext {
  readonly store: Store;
  /** The store for what tasks ask for, on connections of its own: however much that is, leases are renewed. */
  readonly callStore: Store;
  readonly answerCalls: AnswerCalls;
  /** What a task gets of the extension; null where there is none. */
  readonly extension: Extension['worker'] | null;
  readonly writeEnd: WriteEnd;
  readonly onEvent: OnEvent;
  /** The folder that stands for the project's on this machine; null where there is none. */
  readonly folder: string | null;
  /** False from the runner's kill deadline on. */
  readonly holdsLease: () => boolean;
  /** Aborted when a stopping runner waits no longer for the database to take the ends of its attempts. */
  readonly abandon: AbortSignal;
}
