import type { ScheduledRun } from '../../engine/core/schedule-request.ts';
import {
  type BatchParts,
  maxCharacters,
  maxOfOperation,
  partsOf,
  scheduleOperations,
} from '../../engine/worker/batch-parts.ts';
import { toJson } from '../../engine/core/to-json.ts';
import type { WireValue } from '../protocol/data-answers.ts';
import type { BatchOperation, VersionCheck, WriteOperation } from '../protocol/data-calls.ts';

/** A write of one object. An object is saved at most once, and not after it is destroyed. `follows`: an operation before this one is on the same object. */
type WriteOfOne =
  | (Write & {
      readonly do: 'insert';
      readonly columns: readonly string[];
      readonly row: string;
      readonly version?: VersionCheck | undefined;
    })
  | (Write & {
      readonly do: 'update';
      readonly columns: readonly string[];
      /** Of the columns, and the version that it is compared with, where it is. */
      readonly values: readonly WireValue[];
      readonly characters: number;
      readonly version?: VersionCheck | undefined;
    })
  | (Write & { readonly do: 'increment'; readonly columns: readonly string[]; readonly row: string })
  | (Write & { readonly do: 'destroy' });

/** A write of one object, or a run to schedule. */
export type SingleOperation = WriteOfOne | { readonly do: 'schedule'; readonly run: ScheduledRun };

interface Write {
  readonly model: string;
  readonly id: string;
  readonly follows?: boolean;
}

interface Group {
  readonly first: WriteOfOne;
  readonly ids: string[];
  readonly rows: string[];
  /** Of an update: the values of all its objects, by column. */
  readonly values: readonly WireValue[][];
  characters: number;
}

/**
 * Puts operations that are alike into one statement, and the statements into parts. The operations on one object, and the runs, keep their
 * order; between different objects there is none to keep. Runs are scheduled at the end.
 */
export function groupOperations(operations: Iterable<SingleOperation>): BatchParts<BatchOperation> {
  const groups: Group[] = [];
  const runs: ScheduledRun[] = [];
  const open = new Map<string, Group>();
  let kind = '';
  let previous: WriteOfOne | null = null;
  for (const operation of operations) {
    if (operation.do === 'schedule') {
      runs.push(operation.run);
      continue;
    }
    // Most often one is like the one before, which is found out faster than its kind is written.
    if (previous === null || !isAlike(previous, operation)) kind = kindOf(operation);
    previous = operation;
    const length = lengthOf(operation);
    let group = open.get(kind);
    // What was saved just now must be there to be destroyed, and one statement adds to an object once.
    const isTooEarly =
      operation.follows === true && (group !== groups.at(-1) || group?.ids.includes(operation.id) === true);
    if (
      group === undefined ||
      isTooEarly ||
      group.ids.length >= maxOfOperation ||
      group.characters + length > maxCharacters
    ) {
      const values = operation.do === 'update' ? operation.values.map(() => []) : [];
      group = { first: operation, ids: [], rows: [], values, characters: 0 };
      groups.push(group);
      open.set(kind, group);
    }
    group.characters += length;
    group.ids.push(operation.id);
    if ('row' in operation) group.rows.push(operation.row);
    if ('values' in operation) group.values.forEach((column, place) => column.push(operation.values[place] ?? null));
  }
  const written = groups.map((group) => ({ operation: operationOf(group), characters: group.characters }));
  return partsOf<BatchOperation>([...written, ...scheduleOperations(runs)]);
}

function operationOf({ first, ids, rows, values }: Group): WriteOperation {
  switch (first.do) {
    case 'insert':
      return {
        do: 'insert',
        model: first.model,
        columns: first.columns,
        ids,
        rows: `[${rows.join(',')}]`,
        version: first.version,
      };
    case 'update':
      return {
        do: 'update',
        model: first.model,
        columns: first.columns,
        ids,
        values: values.map((column) => toJson(column) ?? '[]'),
        version: first.version,
      };
    case 'increment':
      return { do: 'increment', model: first.model, columns: first.columns, ids, rows: `[${rows.join(',')}]` };
    case 'destroy':
      return { do: 'destroy', model: first.model, ids };
  }
}

function isAlike(one: WriteOfOne, other: WriteOfOne): boolean {
  if (
    !('columns' in one) ||
    !('columns' in other) ||
    one.do !== other.do ||
    one.model !== other.model ||
    checkOf(one) !== checkOf(other)
  )
    return false;
  return (
    one.columns.length === other.columns.length && one.columns.every((column, index) => column === other.columns[index])
  );
}

function checkOf(operation: WriteOfOne): VersionCheck | undefined {
  return 'version' in operation ? operation.version : undefined;
}

function kindOf(operation: WriteOfOne): string {
  switch (operation.do) {
    case 'insert':
    case 'update':
    case 'increment':
      return `${operation.do} ${operation.model} ${checkOf(operation)} ${operation.columns.join(' ')}`;
    case 'destroy':
      return `destroy ${operation.model}`;
  }
}

function lengthOf(operation: WriteOfOne): number {
  switch (operation.do) {
    case 'insert':
    case 'increment':
      return operation.row.length + operation.id.length;
    case 'update':
      return operation.characters + operation.id.length;
    case 'destroy':
      return operation.id.length;
  }
}
