export const runStates = ['scheduled', 'queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled'] as const;
export type RunState = (typeof runStates)[number];

export const outcomes = [
  'returned',
  'threw',
  'timed_out',
  'out_of_memory',
  'exited',
  'killed',
  'lost',
  'cancelled',
] as const;
export type Outcome = (typeof outcomes)[number];
/** How an attempt ends that has answered. */
export type AnswerOutcome = Extract<Outcome, 'returned' | 'threw'>;

export const logLevels = ['debug', 'info', 'log', 'warn', 'error', 'stdout', 'stderr', 'system'] as const;
export type LogLevel = (typeof logLevels)[number];

/** In which a run is finished. */
export const finalStates: readonly RunState[] = ['succeeded', 'failed', 'dead', 'cancelled'];

export function isFinal(state: RunState): boolean {
  return finalStates.includes(state);
}
