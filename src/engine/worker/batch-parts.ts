import type { ScheduledRun } from '../core/schedule-request.ts';
import type { Operation, ScheduleRuns } from '../protocol/call-requests.ts';

/** What one statement writes, and characters of one message: so that neither side holds a large batch in one piece. */
export const maxOfOperation = 1_000;
export const maxCharacters = 4 * 1024 * 1024;

export interface SizedOperation<Of extends Operation> {
  readonly operation: Of;
  readonly characters: number;
}

/** A batch as it is sent, part by part. */
export type BatchParts<Of extends Operation = Operation> = readonly (readonly Of[])[];

/** Puts operations into parts, in their order. */
export function partsOf<Of extends Operation>(operations: readonly SizedOperation<Of>[]): BatchParts<Of> {
  const parts: Of[][] = [];
  let room = 0;
  for (const { operation, characters } of operations) {
    if (characters > room) {
      parts.push([]);
      room = maxCharacters;
    }
    parts.at(-1)?.push(operation);
    room -= characters;
  }
  return parts;
}

/** What a run weighs besides its parameters. */
const charactersOfRun = 200;

/** Operations that schedule runs, in their order. */
export function scheduleOperations(runs: readonly ScheduledRun[]): readonly SizedOperation<ScheduleRuns>[] {
  const groups: { runs: ScheduledRun[]; characters: number }[] = [];
  for (const run of runs) {
    const length = run.parametersJson.length + charactersOfRun;
    let group = groups.at(-1);
    if (group === undefined || group.runs.length >= maxOfOperation || group.characters + length > maxCharacters) {
      group = { runs: [], characters: 0 };
      groups.push(group);
    }
    group.runs.push(run);
    group.characters += length;
  }
  return groups.map(({ runs, characters }) => ({ operation: { do: 'schedule', runs }, characters }));
}
