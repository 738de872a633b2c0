import type { ScheduledRun, WriteOperation } from '../../protocol/data-messages.ts';
import type { BatchParts } from './send-batch.ts';

/** Rows of one statement, and characters of one message: so that neither side holds a large batch in one piece. */
const mostRows = 1_000;
const mostCharacters = 4 * 1024 * 1024;

/** A write of one object, or a run to schedule. */
export type SingleOperation =
  | { readonly do: 'insert' | 'update'; readonly model: string; readonly columns: readonly string[]; readonly id: string; readonly row: string }
  | { readonly do: 'destroy'; readonly model: string; readonly id: string }
  | { readonly do: 'schedule'; readonly run: ScheduledRun };

interface Group {
  readonly items: SingleOperation[];
  readonly index: number;
  characters: number;
}

/**
 * Puts operations that are alike into one statement, and the statements into parts. The operations on one object, and the runs, keep their
 * order; between different objects there is none to keep.
 */
export function groupOperations(operations: Iterable<SingleOperation>): BatchParts {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  const lastOfId = new Map<string, number>();
  for (const operation of operations) {
    const kind = kindOf(operation);
    const length = lengthOf(operation);
    const after = operation.do === 'schedule' ? -1 : lastOfId.get(operation.id) ?? -1;
    let group = open.get(kind);
    if (group === undefined || group.index <= after || group.items.length >= mostRows || group.characters + length > mostCharacters) {
      group = { items: [], index: groups.length, characters: 0 };
      groups.push(group);
      open.set(kind, group);
    }
    group.items.push(operation);
    group.characters += length;
    if (operation.do !== 'schedule') lastOfId.set(operation.id, group.index);
  }
  return partsOf(groups);
}

function partsOf(groups: readonly Group[]): BatchParts {
  const parts: WriteOperation[][] = [];
  let room = 0;
  for (const group of groups) {
    if (group.characters > room) {
      parts.push([]);
      room = mostCharacters;
    }
    parts.at(-1)?.push(operationOf(group.items));
    room -= group.characters;
  }
  return parts;
}

function operationOf(items: readonly SingleOperation[]): WriteOperation {
  const [first] = items;
  if (first === undefined || first.do === 'schedule') return { do: 'schedule', runs: items.flatMap((item) => (item.do === 'schedule' ? [item.run] : [])) };
  const ids = items.flatMap((item) => (item.do === 'schedule' ? [] : [item.id]));
  if (first.do === 'destroy') return { do: 'destroy', model: first.model, ids };
  const rows = items.flatMap((item) => ('row' in item ? [item.row] : []));
  return { do: first.do, model: first.model, columns: first.columns, ids, rows: `[${rows.join(',')}]` };
}

function kindOf(operation: SingleOperation): string {
  switch (operation.do) {
    case 'insert':
    case 'update':
      return `${operation.do} ${operation.model} ${operation.columns.join(' ')}`;
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
      return operation.row.length + operation.id.length;
    case 'destroy':
      return operation.id.length;
    case 'schedule':
      return operation.run.parametersJson.length + 200;
  }
}
