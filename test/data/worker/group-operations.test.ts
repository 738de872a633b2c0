import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { groupOperations, type SingleOperation } from '../../../src/data/worker/group-operations.ts';

const step = fc.record({
  do: fc.constantFrom(
    'insert' as const,
    'update' as const,
    'increment' as const,
    'destroy' as const,
    'schedule' as const,
  ),
  model: fc.constantFrom('a', 'b'),
  columns: fc.constantFrom(['x'], ['x', 'y']),
  id: fc.nat(9),
});

/** As a batch gives them: an object is saved at most once, and destroyed at most once, after that; it is incremented any number of times. */
const operations = fc.array(step, { maxLength: 40 }).map((steps) => {
  const last = new Map<string, string>();
  const saved = new Set<string>();
  return steps.flatMap((each, number): readonly SingleOperation[] => {
    if (each.do === 'schedule')
      return [
        {
          do: 'schedule',
          run: { id: String(number), task: 't', parametersJson: '{}', at: null, afterMs: null, queue: null, key: null },
        },
      ];
    const { do: kind, model, columns } = each;
    const id = `${model}${each.id}`;
    const before = last.get(id);
    if (before === 'destroy' || ((kind === 'insert' || kind === 'update') && saved.has(id))) return [];
    last.set(id, kind);
    if (kind === 'insert' || kind === 'update') saved.add(id);
    const follows = before !== undefined;
    if (kind === 'destroy') return [{ do: kind, model, id, follows }];
    return kind === 'update'
      ? [{ do: kind, model, columns, id, values: columns.map((name) => `${name} ${number}`), characters: 10, follows }]
      : [{ do: kind, model, columns, id, row: JSON.stringify({ id, number }), follows }];
  });
});

/** What happens to each object, and the runs, in order. */
function histories(list: readonly SingleOperation[]): Record<string, readonly unknown[]> {
  const byId: Record<string, unknown[]> = {};
  for (const each of list)
    (byId[each.do === 'schedule' ? 'runs' : each.id] ??= []).push({ ...each, follows: null, version: null });
  return byId;
}

function ungroup(list: readonly SingleOperation[]): readonly SingleOperation[] {
  return groupOperations(list)
    .flat()
    .flatMap((operation): readonly SingleOperation[] => {
      switch (operation.do) {
        case 'schedule':
          return operation.runs.map((run) => ({ do: 'schedule', run }));
        case 'destroy':
          return operation.ids.map((id) => ({ do: 'destroy', model: operation.model, id, follows: false }));
        case 'destroy_all':
          return [];
        case 'insert':
        case 'increment': {
          const rows = JSON.parse(operation.rows) as readonly object[];
          assert.equal(new Set(operation.ids).size, operation.ids.length, 'each id once in a statement');
          return operation.ids.map((id, index) => ({
            do: operation.do,
            model: operation.model,
            columns: operation.columns,
            id,
            row: JSON.stringify(rows[index]),
          }));
        }
        case 'update': {
          const values = operation.values.map((column) => JSON.parse(column) as readonly string[]);
          assert.equal(new Set(operation.ids).size, operation.ids.length, 'each id once in a statement');
          return operation.ids.map((id, index) => ({
            do: 'update',
            model: operation.model,
            columns: operation.columns,
            id,
            values: values.map((column) => column[index] ?? null),
            characters: 10,
          }));
        }
      }
    });
}

describe('operations in few statements', () => {
  it('lose nothing, and keep the order of what happens to each object', () => {
    fc.assert(
      fc.property(operations, (list) => {
        assert.deepEqual(histories(ungroup(list)), histories(list));
      }),
      { numRuns: 1000 },
    );
  });

  it('of alternating kinds are one statement a kind', () => {
    const list = Array.from({ length: 900 }, (_, number): SingleOperation => ({
      do: 'insert',
      model: `m${number % 3}`,
      columns: [],
      id: String(number),
      row: '{}',
    }));
    assert.deepEqual(
      groupOperations(list).map((part) => part.length),
      [3],
    );
  });

  it('hold at most 1,000 rows a statement and about 4 MiB a part; a larger row goes alone', () => {
    const small = Array.from({ length: 2500 }, (_, number): SingleOperation => ({
      do: 'insert',
      model: 'm',
      columns: [],
      id: String(number),
      row: '{}',
    }));
    assert.deepEqual(
      groupOperations(small).map((part) => part.map((each) => ('ids' in each ? each.ids.length : 0))),
      [[1000, 1000, 500]],
    );
    const mebibyte = 'x'.repeat(1024 * 1024 - 100);
    const large = [1, 1, 1, 1, 1, 20, 1].map((size, number): SingleOperation => ({
      do: 'update',
      model: 'm',
      columns: ['x'],
      id: String(number),
      values: ['x'],
      characters: mebibyte.length * size,
    }));
    assert.deepEqual(
      groupOperations(large).map((part) => part.map((each) => ('ids' in each ? each.ids.length : 0))),
      [[4], [1], [1], [1]],
    );
    assert.deepEqual(groupOperations([]), []);
  });
});
