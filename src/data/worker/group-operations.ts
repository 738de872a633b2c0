import type { ScheduledRun, VersionCheck, WriteOperation } from '../protocol/data-messages.ts';
import type { BatchParts } from './send-batch.ts';

/** Rows of one statement, and characters of one message: so that neither side holds a large batch in one piece. */
const maxRows = 1_000;
const maxCharacters = 4 * 1024 * 1024;

/** A write of one object, or a run to schedule. An object is saved at most once, and not after it is destroyed. `follows`: an operation before this one is on the same object. */
export type SingleOperation =
  | (Write & {
      readonly do: 'insert' | 'update';
      readonly columns: readonly string[];
      readonly row: string;
      readonly version?: VersionCheck | undefined;
    })
  | (Write & { readonly do: 'increment'; readonly columns: readonly string[]; readonly row: string })
  | (Write & { readonly do: 'destroy' })
  | { readonly do: 'schedule'; readonly run: ScheduledRun };

interface Write {
  readonly model: string;
  readonly id: string;
  readonly follows?: boolean;
}

interface Group {
  readonly first: SingleOperation;
  readonly ids: string[];
  readonly rows: string[];
  readonly runs: ScheduledRun[];
  characters: number;
}

/**
 * Puts operations that are alike into one statement, and the statements into parts. The operations on one object, and the runs, keep their
 * order; between different objects there is none to keep.
 */
export function groupOperations(operations: Iterable<SingleOperation>): BatchParts {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  let kind = '';
  let previous: SingleOperation | null = null;
  for (const operation of operations) {
    // Most often one is like the one before, which is found out faster than its kind is written.
    if (previous === null || !isAlike(previous, operation)) kind = kindOf(operation);
    previous = operation;
    const length = lengthOf(operation);
    let group = open.get(kind);
    // What was saved just now must be there to be destroyed, and one statement adds to an object once.
    const isTooEarly =
      operation.do !== 'schedule' &&
      operation.follows === true &&
      (group !== groups.at(-1) || group?.ids.includes(operation.id) === true);
    if (
      group === undefined ||
      isTooEarly ||
      group.ids.length + group.runs.length >= maxRows ||
      group.characters + length > maxCharacters
    ) {
      group = { first: operation, ids: [], rows: [], runs: [], characters: 0 };
      groups.push(group);
      open.set(kind, group);
    }
    group.characters += length;
    if (operation.do === 'schedule') group.runs.push(operation.run);
    else group.ids.push(operation.id);
    if ('row' in operation) group.rows.push(operation.row);
  }
  return partsOf(groups);
}

function partsOf(groups: readonly Group[]): BatchParts {
  const parts: WriteOperation[][] = [];
  let room = 0;
  for (const group of groups) {
    if (group.characters > room) {
      parts.push([]);
      room = maxCharacters;
    }
    parts.at(-1)?.push(operationOf(group));
    room -= group.characters;
  }
  return parts;
}

function operationOf({ first, ids, rows, runs }: Group): WriteOperation {
  switch (first.do) {
    case 'insert':
    case 'update':
      return {
        do: first.do,
        model: first.model,
        columns: first.columns,
        ids,
        rows: `[${rows.join(',')}]`,
        version: first.version,
      };
    case 'increment':
      return { do: 'increment', model: first.model, columns: first.columns, ids, rows: `[${rows.join(',')}]` };
    case 'destroy':
      return { do: 'destroy', model: first.model, ids };
    case 'schedule':
      return { do: 'schedule', runs };
  }
}

function isAlike(one: SingleOperation, other: SingleOperation): boolean {
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

function checkOf(operation: SingleOperation): VersionCheck | undefined {
  return 'version' in operation ? operation.version : undefined;
}

function kindOf(operation: SingleOperation): string {
  switch (operation.do) {
    case 'insert':
    case 'update':
    case 'increment':
      return `${operation.do} ${operation.model} ${checkOf(operation)} ${operation.columns.join(' ')}`;
    case 'destroy':
      return `destroy ${operation.model}`;
    case 'schedule':
      return 'schedule';
  }
}

function lengthOf(operation: SingleOperation): number {
  switch (operation.do) {
    case 'insert':
    case 'update':
    case 'increment':
      return operation.row.length + operation.id.length;
    case 'destroy':
      return operation.id.length;
    case 'schedule':
      return operation.run.parametersJson.length + 200;
  }
}
