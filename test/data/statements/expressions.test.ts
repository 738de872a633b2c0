import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { Day } from '../../../src/data/model/day.ts';
import { checkCondition } from '../../../src/data/expression/check-condition.ts';
import { databaseObjectMark } from '../../../src/engine/core/marks.ts';
import { countObjects } from '../../../src/data/statements/count-objects.ts';
import { destroyMatching } from '../../../src/data/statements/destroy-matching.ts';
import { insertObjects } from '../../../src/data/statements/write-objects.ts';
import type { Condition, Selection } from '../../../src/data/protocol/data-calls.ts';
import { isMatch, type Node, valueOf } from './expected.ts';
import { type TestData, testData } from './open-data.ts';
import { readPage } from './read-page.ts';
import {
  anyDay,
  anyId,
  anyInteger,
  anyNumber,
  anyText,
  anyTime,
  columnsOfThing,
  keysOf,
  sampleThings,
  type Thing,
  thing,
} from './things.ts';

const rounds = 14;
const thingsOfRound = 60;
const expressionsOfRound = 260;

let data: TestData;
before(async () => {
  data = await testData([thing]);
});
after(async () => {
  await data[Symbol.asyncDispose]();
});

const otherRealm = createContext({});

/** What a task gives for a value: often not what travels. */
function givenFor(name: string, plain: unknown): fc.Arbitrary<unknown> {
  if (plain === 0) return fc.constantFrom(0, -0);
  if (typeof plain !== 'string') return fc.constant(plain);
  if (name === 'day') return fc.constantFrom<unknown>(plain, new Day(plain));
  if (name === 'at')
    return fc.constantFrom<unknown>(
      plain,
      new Date(plain),
      runInContext(`new Date(${JSON.stringify(plain)})`, otherRealm),
    );
  if (!['id', 'owner', 'owner_id', 'in', 'in_id'].includes(name)) return fc.constant(plain);
  return fc.constantFrom<unknown>(plain, plain.toUpperCase(), { id: plain, [databaseObjectMark]: 'thing' });
}

interface Attribute {
  readonly operators: readonly string[];
  readonly fresh: fc.Arbitrary<unknown>;
}

const listed = ['=', '!=', 'in', 'not in'];
const ordered = [...listed, '<', '>', '<=', '>='];
const textual = { operators: [...ordered, 'contains', 'starts with', 'contains', 'starts with'], fresh: anyText };
const attributes: Readonly<Record<string, Attribute>> = {
  name: textual,
  contains: textual,
  count: {
    operators: ordered,
    fresh: fc.oneof(
      anyInteger,
      anyNumber,
      fc.integer({ min: -5, max: 4 }).map((whole) => whole + 0.5),
    ),
  },
  weight: { operators: ordered, fresh: anyNumber },
  day: { operators: ordered, fresh: anyDay },
  at: { operators: ordered, fresh: anyTime },
  done: { operators: listed, fresh: fc.boolean() },
  status: { operators: ordered, fresh: fc.constantFrom(...keysOf('status')) },
  level: { operators: ordered, fresh: fc.constantFrom(...keysOf('level')) },
  tags: { operators: ['=', '!=', 'contains'], fresh: fc.subarray([...keysOf('tags')]) },
  bits: { operators: ['=', '!=', 'contains'], fresh: fc.subarray([...keysOf('bits')]) },
  place: { operators: ['=', '!='], fresh: fc.constant(null) },
  file: { operators: ['=', '!='], fresh: fc.constant(null) },
  id: { operators: listed, fresh: anyId },
  owner: { operators: listed, fresh: anyId },
  owner_id: { operators: listed, fresh: anyId },
  in: { operators: listed, fresh: anyId },
  in_id: { operators: listed, fresh: anyId },
};

/** Values that are there, parts and other cases of them, and new ones. */
function plainFor(name: string, { operators, fresh }: Attribute, things: readonly Thing[]): fc.Arbitrary<unknown> {
  if (!operators.includes('in') && !operators.includes('contains')) return fresh;
  const there = fc.constantFrom(...things.map((each) => valueOf(each, name)));
  const texts = things.map((each) => valueOf(each, name)).filter((value) => typeof value === 'string');
  if (fresh !== anyText || texts.length === 0)
    return fc.oneof(
      { weight: 3, arbitrary: there },
      { weight: 2, arbitrary: fresh },
      { weight: 1, arbitrary: fc.constant(null) },
    );
  const part = fc.tuple(fc.constantFrom(...texts), fc.nat(6), fc.nat(6)).map(([text, from, length]) =>
    Array.from(text)
      .slice(from, from + length)
      .join(''),
  );
  const start = fc
    .tuple(fc.constantFrom(...texts), fc.nat(4))
    .map(([text, length]) => Array.from(text).slice(0, length).join(''));
  const like = fc
    .oneof(part, start)
    .chain((text) =>
      fc.constantFrom(text, text.toUpperCase(), text.toLowerCase(), text.normalize('NFC'), text.normalize('NFD')),
    );
  return fc.oneof(there, like, like, fresh, fc.constant(null));
}

function comparisonOf(name: string, attribute: Attribute, things: readonly Thing[]): fc.Arbitrary<Node> {
  const plain = plainFor(name, attribute, things);
  return fc.constantFrom(...attribute.operators).chain((operator): fc.Arbitrary<Node> => {
    if (operator.endsWith('in')) {
      return fc
        .array(
          plain.chain((value) => givenFor(name, value).map((given) => ({ value, given }))),
          { maxLength: 4 },
        )
        .map((items) => ({
          kind: 'comparison',
          name,
          operator,
          plain: items.map(({ value }) => value),
          given: items.map(({ given }) => given),
        }));
    }
    const item =
      operator === 'contains'
        ? plain.map((value) => (Array.isArray(value) ? ((value as unknown[])[0] ?? null) : value))
        : plain;
    return item.chain((value) =>
      givenFor(name, value).map((given) => ({ kind: 'comparison', name, operator, plain: value, given })),
    );
  });
}

function expressionOf(things: readonly Thing[]): fc.Arbitrary<Node> {
  const comparison = fc.oneof(
    ...Object.entries(attributes).map(([name, attribute]) => comparisonOf(name, attribute, things)),
  );
  return fc.letrec<{ node: Node }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 3, arbitrary: comparison },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constantFrom('and', 'or'),
          parts: fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('not' as const), part: tie('node') }) },
    ),
  })).node;
}

interface Written {
  readonly text: string;
  readonly args: readonly unknown[];
}

/** Writes an expression down, with no more parentheses than it needs or with some, and words in any case. */
function write(node: Node, style: number): Written {
  const args: unknown[] = [];
  let turn = style;
  const next = (most: number): number => (turn = (turn * 1103515245 + 12345) % 2147483648) % most;
  const cased = (word: string): string =>
    [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)][next(3)] ?? word;
  const levels = { or: 0, and: 1, not: 2, comparison: 3 } as const;
  const put = (each: Node, level: number): string => {
    const text =
      each.kind === 'comparison'
        ? comparison(each)
        : each.kind === 'not'
          ? `${cased('not')} ${put(each.part, 2)}`
          : each.parts.map((part) => put(part, levels[each.kind] + 1)).join(` ${cased(each.kind)} `);
    return levels[each.kind] < level || next(5) === 0 ? `(${' '.repeat(next(2))}${text})` : text;
  };
  const comparison = (each: Node & { kind: 'comparison' }): string => {
    args.push(each.given);
    const operator = each.operator.split(' ').map(cased).join('  ');
    return /^[=<>!]/.test(operator) && next(2) === 0 ? `${each.name}${operator}?` : `${each.name}\t${operator}\n?`;
  };
  return { text: put(node, 0), args };
}

function selectionOf(where: readonly Condition[]): Selection {
  return { model: 'thing', where, orderBy: [], skip: 0, limit: null };
}

async function find(where: readonly Condition[]): Promise<readonly string[]> {
  const { objects } = await readPage(data, data.store, { selection: selectionOf(where), after: null, pageSize: 1000 });
  return objects.map(([id]) => (typeof id === 'string' ? id : ''));
}

async function destroy(where: readonly Condition[]): Promise<number | undefined> {
  const [row] = await data.store.query<{ count: number }>(
    destroyMatching(data.target, data.caller, selectionOf(where)),
  );
  return row?.count;
}

test(
  'every operator on every type, in any expression, finds what plain JavaScript finds',
  { timeout: 300_000 },
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    for (let round = 0; round < rounds; round += 1) {
      const things = sampleThings(thingsOfRound, seed + round);
      await data.store.query(
        insertObjects(data.target, data.caller, {
          model: 'thing',
          columns: columnsOfThing,
          ids: things.map(({ id }) => id),
          rows: JSON.stringify(things),
        }),
      );
      await fc.assert(
        fc.asyncProperty(expressionOf(things), fc.nat(), async (node, style) => {
          const { text, args } = write(node, style);
          const condition = JSON.parse(JSON.stringify(checkCondition(thing, text, args))) as Condition;
          const expected = things
            .filter((each) => isMatch(node, each))
            .map(({ id }) => id)
            .toSorted();
          assert.deepEqual(
            await find([condition]),
            expected,
            `${text} with ${JSON.stringify(condition.args)} (things of seed ${seed + round})`,
          );
          if (style % 8 > 0) return;
          const [counted] = await data.store.query<{ count: number }>(
            countObjects(data.target, data.caller, selectionOf([condition, condition])),
          );
          assert.equal(counted?.count, expected.length);
        }),
        { numRuns: expressionsOfRound },
      );
      const [node] = fc.sample(expressionOf(things), 1);
      assert.ok(node !== undefined);
      const { text, args } = write(node, 0);
      const kept = things.filter((each) => !isMatch(node, each)).map(({ id }) => id);
      assert.equal(await destroy([checkCondition(thing, text, args)]), things.length - kept.length, text);
      assert.deepEqual(await find([]), kept.toSorted(), `what does not match is kept: ${text}`);
      assert.equal(await destroy([]), kept.length);
    }
  },
);
