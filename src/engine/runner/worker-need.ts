import { startVariables } from '../core/start-variables.ts';
import type { WorkerStart } from '../core/task-config.ts';
import type { ClaimedRun } from '../store/claim-runs.ts';

/** What a run asks of its worker. */
export interface WorkerNeed {
  readonly memoryMb: number;
  readonly workerStart: WorkerStart | null;
  /** The variables that its worker must be started with, as JSON, so that equal ones are the same text; empty when there are none. */
  readonly startVariables: string;
}

const noVariables = '{}';
/** Of the runs of an environment the variables are the same text. */
let last = { variablesJson: noVariables, startVariables: '' };

export function needOf({
  memoryMb,
  workerStart,
  variablesJson,
}: Pick<ClaimedRun, 'memoryMb' | 'workerStart' | 'variablesJson'>): WorkerNeed {
  if (variablesJson !== last.variablesJson) {
    const json = JSON.stringify(startVariables(JSON.parse(variablesJson) as Record<string, string>));
    last = { variablesJson, startVariables: json === noVariables ? '' : json };
  }
  return { memoryMb, workerStart, startVariables: last.startVariables };
}
