import { type Outcome, outcomes, type RunState } from './run.ts';

/**
 * Every way a run may change. docs/state-machine.md draws it and the database lets nothing else through: a test compares the three.
 * `from: null` is a run that is being added.
 */
export const runTransitions = [
  { from: null, event: 'scheduled', to: 'queued' },
  { from: null, event: 'scheduled_for_later', to: 'scheduled' },
  { from: 'scheduled', event: 'came_due', to: 'queued' },
  { from: 'queued', event: 'claimed', to: 'running' },
  { from: 'running', event: 'returned', to: 'succeeded' },
  { from: 'running', event: 'threw', to: 'failed' },
  { from: 'running', event: 'backed_off', to: 'scheduled' },
  { from: 'running', event: 'given_up', to: 'dead' },
  { from: 'running', event: 'given_back', to: 'queued' },
  { from: 'running', event: 'cancelled', to: 'cancelled' },
  { from: 'scheduled', event: 'cancelled', to: 'cancelled' },
  { from: 'queued', event: 'cancelled', to: 'cancelled' },
  { from: 'failed', event: 'retried', to: 'queued' },
  { from: 'dead', event: 'retried', to: 'queued' },
  { from: 'cancelled', event: 'retried', to: 'queued' },
] as const satisfies readonly { readonly from: RunState | null; readonly event: string; readonly to: RunState }[];

type Transition = (typeof runTransitions)[number];

/** What may happen to a running run; all of it ends its attempt. */
export type RunningEvent = Extract<Transition, { readonly from: 'running' }>['event'];

/** What a running run is after an event. */
export type AfterRunning = Extract<Transition, { readonly from: 'running' }>['to'];

/** `scheduled` is stored as `queued`, and told from it by the clock. */
export type StoredState = Exclude<RunState, 'scheduled'>;

export function stateAfterRunning(event: RunningEvent): AfterRunning {
  for (const transition of runTransitions) {
    if (transition.from === 'running' && transition.event === event) return transition.to;
  }
  throw new Error(`a running run knows no event ${event}`);
}

export function storedState<State extends RunState>(state: State): Exclude<State, 'scheduled'> | 'queued';
export function storedState(state: RunState): StoredState {
  return state === 'scheduled' ? 'queued' : state;
}

/** Every way an attempt may change: it runs, and then it has one outcome for ever. */
export const attemptTransitions: readonly { readonly from: 'running' | null; readonly to: 'running' | Outcome }[] = [
  { from: null, to: 'running' },
  ...outcomes.map((outcome) => ({ from: 'running' as const, to: outcome })),
];
