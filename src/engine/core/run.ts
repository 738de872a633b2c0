// What a run is, without its schemas: a worker starts faster without zod.
export {
  type AnswerOutcome,
  finalStates,
  isFinal,
  type LogLevel,
  type Outcome,
  outcomes,
  type RunState,
  runStates,
} from './run-states.ts';
export type {
  Attempt,
  Backlog,
  EndedSummary,
  IsoTime,
  ListedRun,
  LogLine,
  NumberedLine,
  Queue,
  Run,
} from './run-schema.ts';
