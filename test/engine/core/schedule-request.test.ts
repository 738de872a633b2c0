import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { Attachment } from '../../../src/data/model/attachment.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { databaseObjectMark } from '../../../src/engine/core/marks.ts';
import { parseScheduleRequest } from '../../../src/engine/core/schedule-request.ts';

const now = new Date('2026-01-01T00:00:00Z');
const circular: Record<string, unknown> = {};
circular['self'] = circular;

const deep: Record<string, unknown> = {};
let innermost = deep;
for (let depth = 0; depth < 200_000; depth += 1) innermost = innermost['x'] = {} as Record<string, unknown>;

const refused: readonly (readonly [string, unknown, string, RegExp])[] = [
  ['no options', undefined, 'invalid_task', /takes one object/],
  ['options that are a string', 'othertask', 'invalid_task', /"othertask"/],
  ['no task', {}, 'invalid_task', /undefined/],
  ['an empty task', { task: '' }, 'invalid_task', /""/],
  ['a task that is a number', { task: 7 }, 'invalid_task', /7/],
  ['a task with U+0000', { task: 'a\0' }, 'invalid_task', /name of a task/],
  ['an unknown option', { task: 'a', colour: 1 }, 'unknown_option', /colour/],
  ['a misspelt option', { task: 'a', paramters: {} }, 'unknown_option', /paramters/],
  ['parameters that are null', { task: 'a', parameters: null }, 'invalid_parameters', /null/],
  ['parameters that are an array', { task: 'a', parameters: [] }, 'invalid_parameters', /array/],
  ['parameters that are a string', { task: 'a', parameters: 'x' }, 'invalid_parameters', /"x"/],
  ['parameters that are a Date', { task: 'a', parameters: new Date() }, 'invalid_parameters', /a Date/],
  ['parameters that are a Map', { task: 'a', parameters: new Map() }, 'invalid_parameters', /a Map/],
  ['parameters of a class', { task: 'a', parameters: new (class Order {})() }, 'invalid_parameters', /an Order/],
  ['circular parameters', { task: 'a', parameters: circular }, 'invalid_parameters', /circular/],
  ['a BigInt', { task: 'a', parameters: { a: { b: [1n] } } }, 'invalid_parameters', /parameters\.a\.b\[0\].*BigInt/],
  ['a function', { task: 'a', parameters: { call: () => 1 } }, 'invalid_parameters', /parameters\.call.*function/],
  ['a symbol', { task: 'a', parameters: { 'a b': Symbol('x') } }, 'invalid_parameters', /parameters\["a b"\].*symbol/],
  [
    'a DB object',
    { task: 'a', parameters: { order: { [databaseObjectMark]: true } } },
    'invalid_parameters',
    /parameters\.order.*DB object/,
  ],
  [
    'an Attachment',
    { task: 'a', parameters: { files: [new Attachment({ data: 'x' })] } },
    'invalid_parameters',
    /parameters\.files\[0\].*Attachment/,
  ],
  [
    'a Map',
    { task: 'a', parameters: { byName: new Map([['a', 1]]) } },
    'invalid_parameters',
    /parameters\.byName.*a Map/,
  ],
  [
    'an empty Set',
    { task: 'a', parameters: { a: [{ tags: new Set() }] } },
    'invalid_parameters',
    /parameters\.a\[0\]\.tags.*a Set/,
  ],
  [
    'a Map of another realm',
    { task: 'a', parameters: { map: vm.runInNewContext('new Map()') as object } },
    'invalid_parameters',
    /parameters\.map.*a Map/,
  ],
  [
    'a promise',
    { task: 'a', parameters: { rows: Promise.resolve([]) } },
    'invalid_parameters',
    /parameters\.rows.*a promise/,
  ],
  [
    'a regular expression',
    { task: 'a', parameters: { pattern: /x/ } },
    'invalid_parameters',
    /parameters\.pattern.*regular expression/,
  ],
  [
    'an error',
    { task: 'a', parameters: { cause: Object.assign(new TypeError('no'), { code: 'E' }) } },
    'invalid_parameters',
    /parameters\.cause.*an error/,
  ],
  [
    'a typed array',
    { task: 'a', parameters: { bytes: new Uint8Array(3) } },
    'invalid_parameters',
    /parameters\.bytes.*binary data/,
  ],
  [
    'an ArrayBuffer',
    { task: 'a', parameters: { bytes: new ArrayBuffer(3) } },
    'invalid_parameters',
    /parameters\.bytes.*binary data/,
  ],
  [
    'an object of which JSON keeps nothing',
    { task: 'a', parameters: { query: new URLSearchParams('a=1') } },
    'invalid_parameters',
    /parameters\.query.*URLSearchParams/,
  ],
  [
    'an object whose fields are private',
    {
      task: 'a',
      parameters: {
        secret: new (class Secret {
          readonly #a = 1;
          get a() {
            return this.#a;
          }
        })(),
      },
    },
    'invalid_parameters',
    /parameters\.secret.*class Secret/,
  ],
  [
    'a toJSON that gives a Map',
    { task: 'a', parameters: { x: { toJSON: () => new Map() } } },
    'invalid_parameters',
    /parameters\.x.*a Map/,
  ],
  [
    'parameters that are a DB object',
    { task: 'a', parameters: { [databaseObjectMark]: true } },
    'invalid_parameters',
    /DB object/,
  ],
  [
    'parameters whose toJSON gives a string',
    { task: 'a', parameters: { toJSON: () => 'x' } },
    'invalid_parameters',
    /toJSON/,
  ],
  [
    'a getter that throws',
    {
      task: 'a',
      parameters: {
        get x() {
          throw new Error('no!');
        },
      },
    },
    'invalid_parameters',
    /no!/,
  ],
  ['parameters nested too deeply', { task: 'a', parameters: deep }, 'invalid_parameters', /nested too deeply/],
  [
    'parameters over 5 MB',
    { task: 'a', parameters: { text: 'é'.repeat(2_700_000) } },
    'parameters_too_large',
    /54000\d\d bytes/,
  ],
  ['at that is a string', { task: 'a', at: '2026-01-01' }, 'invalid_at', /must be a Date/],
  ['at that is a number', { task: 'a', at: 5 }, 'invalid_at', /must be a Date/],
  ['at that is invalid', { task: 'a', at: new Date('x') }, 'invalid_at', /invalid Date/],
  ['at before the year 1', { task: 'a', at: new Date(-62_135_596_800_001) }, 'invalid_at', /1 to 9999/],
  ['at after the year 9999', { task: 'a', at: new Date(Date.UTC(10_000, 0, 1)) }, 'invalid_at', /1 to 9999/],
  ['after that is negative', { task: 'a', after: -1 }, 'invalid_after', /-1/],
  ['after that is NaN', { task: 'a', after: NaN }, 'invalid_after', /NaN/],
  ['after that is infinite', { task: 'a', after: Infinity }, 'invalid_after', /Infinity/],
  ['after that is a string', { task: 'a', after: '5' }, 'invalid_after', /"5"/],
  ['after that ends past the year 9999', { task: 'a', after: 1e15 }, 'invalid_after', /9999/],
  ['both at and after', { task: 'a', at: now, after: 1 }, 'at_and_after', /Both/],
  ['an empty queue', { task: 'a', queue: '' }, 'invalid_queue', /empty/],
  ['a queue that is null', { task: 'a', queue: null }, 'invalid_queue', /null/],
  ['a queue that is a number', { task: 'a', queue: 5 }, 'invalid_queue', /5/],
  ['a queue of 513 characters', { task: 'a', queue: 'x'.repeat(513) }, 'invalid_queue', /513/],
  ['a queue with U+0000', { task: 'a', queue: 'a\0b' }, 'invalid_queue', /U\+0000/],
  ['a queue with a lone surrogate', { task: 'a', queue: 'a\ud800' }, 'invalid_queue', /surrogate/],
];

for (const [name, options, code, message] of refused) {
  test(`scheduleTask refuses ${name}`, () => {
    assert.throws(
      () => parseScheduleRequest(options, now),
      (error: unknown) => {
        assert.ok(error instanceof CloudCodeError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('a misspelt option is answered with the nearest', () => {
  assert.throws(() => parseScheduleRequest({ task: 'a', paramters: {} }, now), { hint: 'Did you mean `parameters`?' });
});

test('what is allowed passes unchanged', () => {
  assert.deepEqual(parseScheduleRequest({ task: 'a' }, now), {
    task: 'a',
    at: null,
    afterMs: null,
    queue: null,
    key: null,
    parametersJson: '{}',
  });
  assert.equal(
    parseScheduleRequest({ task: 'a', at: undefined, after: undefined, queue: undefined, parameters: undefined }, now)
      .parametersJson,
    '{}',
  );
  assert.equal(
    parseScheduleRequest({ task: 'a', at: new Date(-62_135_596_800_000) }, now).at,
    '0001-01-01T00:00:00.000Z',
  );
  assert.equal(
    parseScheduleRequest({ task: 'a', at: new Date(Date.UTC(9999, 11, 31, 23, 59, 59, 999)) }, now).at,
    '9999-12-31T23:59:59.999Z',
  );
  assert.equal(parseScheduleRequest({ task: 'a', after: 0 }, now).afterMs, 0);
  assert.equal(parseScheduleRequest({ task: 'a', after: 0.5 }, now).afterMs, 0.5);
  assert.equal(parseScheduleRequest({ task: 'a', queue: '😀'.repeat(512) }, now).queue, '😀'.repeat(512));
  assert.equal(parseScheduleRequest({ task: 'a', queue: '\u0001\n\t' }, now).queue, '\u0001\n\t');
  assert.equal(
    parseScheduleRequest({ task: 'a', parameters: vm.runInNewContext('({ a: 1 })') as object }, now).parametersJson,
    '{"a":1}',
  );
  assert.equal(
    parseScheduleRequest({ task: 'a', parameters: Object.assign(Object.create(null) as object, { a: 1 }) }, now)
      .parametersJson,
    '{"a":1}',
  );
});

test('what JSON has a form for passes, also of a class', () => {
  const parameters = {
    date: new Date(0),
    url: new URL('http://localhost/a'),
    buffer: Buffer.from('ab'),
    boxed: [Object('x'), Object(1), Object(true)],
    point: new (class Point {
      readonly x = 1;
    })(),
    error: Object.assign(new Error('said'), { toJSON: () => 'said' }),
    empty: {},
    bare: Object.create(null) as object,
    other: vm.runInNewContext('({})') as object,
    map: Object.fromEntries(new Map([['a', 1]])),
  };
  assert.deepEqual(JSON.parse(parseScheduleRequest({ task: 'a', parameters }, now).parametersJson), {
    date: '1970-01-01T00:00:00.000Z',
    url: 'http://localhost/a',
    buffer: { type: 'Buffer', data: [97, 98] },
    boxed: ['x', 1, true],
    point: { x: 1 },
    error: 'said',
    empty: {},
    bare: {},
    other: {},
    map: { a: 1 },
  });
});

test('parameters keep every JSON string exactly', () => {
  const parameters = { nul: '\0', lone: '\ud800', pair: '😀', key: { 'a\0b': 1 } };
  assert.deepEqual(JSON.parse(parseScheduleRequest({ task: 'a', parameters }, now).parametersJson), parameters);
});

test('parameters are a snapshot of the moment of the call', () => {
  const parameters = { value: 1 };
  const request = parseScheduleRequest({ task: 'a', parameters }, now);
  parameters.value = 2;
  assert.equal(request.parametersJson, '{"value":1}');
});

test('exactly 5 MB of parameters are allowed', () => {
  const text = 'x'.repeat(5 * 1024 * 1024 - '{"text":""}'.length);
  assert.equal(parseScheduleRequest({ task: 'a', parameters: { text } }, now).parametersJson.length, 5 * 1024 * 1024);
  assert.throws(() => parseScheduleRequest({ task: 'a', parameters: { text: `${text}x` } }, now), {
    code: 'parameters_too_large',
  });
});
