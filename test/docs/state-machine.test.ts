import { rebuildStore } from '../../src/engine/operations/check-store.ts';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decideAfterAttempt } from '../../src/engine/core/decide-after-attempt.ts';
import { isFinal, type Outcome, outcomes, type RunState, runStates } from '../../src/engine/core/run.ts';
import { attemptTransitions, runTransitions, type StoredState, storedState } from '../../src/engine/core/run-transitions.ts';
import { packageRoot } from '../../src/package-root.ts';
import { sqlState, violatedConstraint } from '../../src/engine/store/store-error.ts';
import { testStore, type TestStore } from '../support/store.ts';

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

const documentation = readFileSync(join(packageRoot, 'docs/state-machine.md'), 'utf8');

/** The arrows of the n-th diagram. A line that is neither an arrow nor the diagram's kind is a mistake. */
function readDiagram(number: number): readonly Arrow[] {
  const lines = [...documentation.matchAll(/```mermaid\n(.*?)\n```/gs)][number]?.[1]?.split('\n') ?? [];
  assert.equal(lines[0], 'stateDiagram-v2');
  return lines.slice(1).map((line) => {
    const parts = /^ {4}(\S+) --> ([^\s:]+)(?:: (.+))?$/.exec(line);
    assert.ok(parts !== null, `not an arrow: ${line}`);
    return { from: parts[1] ?? '', to: parts[2] ?? '', label: parts[3] ?? '' };
  });
}

/** The rows of the table whose first column has this heading, without their backquotes. */
function readTable(heading: string): readonly (readonly string[])[] {
  const rows = documentation.split(`\n| ${heading} |`)[1]?.split('\n\n')[0]?.split('\n').slice(2) ?? [];
  return rows.map((row) => row.split('|').slice(1, -1).map((cell) => cell.replaceAll('`', '').trim()));
}

const isEnd = (arrow: Arrow): boolean => arrow.to === '[*]';
const inWords = (event: string): string => event.replaceAll('_', ' ');
const withoutRemark = (label: string): string => label.replace(/ \(.*\)$/, '');

test('the diagram of a run and the table have the same arrows, and the same names on them', () => {
  const drawn = readDiagram(0).filter((arrow) => !isEnd(arrow)).map(({ from, to, label }) => `${from} --> ${to}: ${withoutRemark(label)}`);
  const inTable = runTransitions.map(({ from, to, event }) => `${from ?? '[*]'} --> ${to}: ${inWords(event)}`);
  assert.deepEqual(drawn.toSorted(), inTable.toSorted());
});

test('the diagram ends where no arrow of the table goes on', () => {
  const left = new Set<RunState | null>(runTransitions.map(({ from }) => from));
  assert.deepEqual(readDiagram(0).filter(isEnd).map(({ from }) => from), runStates.filter((state) => !left.has(state)));
});

test('the table of states lists every state, and says which are final', () => {
  assert.deepEqual(readTable('state').map(([state, , final]) => [state, final === 'yes']), runStates.map((state) => [state, isFinal(state)]));
});

test('the diagram of an attempt and the table have the same arrows', () => {
  const drawn = readDiagram(1).map(({ from, to }) => `${from} --> ${to}`);
  assert.deepEqual(drawn.toSorted(), attemptTransitions.map(({ from, to }) => `${from ?? '[*]'} --> ${to}`).toSorted());
});

const states = { returned: 'succeeded', threw: 'failed', given_up: 'dead', cancelled: 'cancelled', backed_off: 'tried again', given_back: 'queued again' } as const;

test('the table of outcomes says what core decides, and core decides nothing else', () => {
  const told = readTable('outcome').flatMap(([names = '', what = '']) => names.split(', ').map((outcome) => [outcome, what] as const));
  assert.deepEqual(told.map(([outcome]) => outcome).toSorted(), [...outcomes].toSorted());
  for (const [outcome, what] of told) {
    const decided = [1, 5].flatMap((attemptNumber) => [false, true].flatMap((cancelRequested) => [false, true].map((isMachineFault) => decideAfterAttempt({ outcome: outcome as Outcome, attemptNumber, attemptLimit: 5, cancelRequested, isMachineFault, random: 0 }))));
    const named = [...new Set(Object.values(states))].filter((state) => what.replaceAll('queued again', '').includes(state) || (state === 'queued again' && what.includes(state)));
    assert.deepEqual([...new Set(decided.map(({ event }) => states[event]))].toSorted(), named.toSorted(), outcome);
  }
});

const storedStates = [...new Set(runStates.map((state) => storedState(state)))];

/** Columns that the table's constraints want of a run in a state, besides the state itself. */
function columnsFor(state: StoredState): string {
  const runner = state === 'running' ? `'${randomUUID()}'` : 'null';
  return `state = '${state}', runner_id = ${runner}, attempt_started_at = now(), fence = coalesce(fence, 0) + 1, finished_at = ${isFinal(state) ? 'now()' : 'null'}`;
}

/** A run that was brought to a state by arrows of the table. */
async function makeRun(t: TestStore, state: StoredState): Promise<string> {
  const id = randomUUID();
  await t.store.query({ name: '', text: `insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit) values ('${id}', ${t.environmentId}, 'noop', '{}', now(), 5, 5)` });
  const way: readonly StoredState[] = state === 'queued' ? [] : state === 'running' || state === 'cancelled' ? [state] : ['running', state];
  for (const each of way) await update(t, id, columnsFor(each));
  return id;
}

function update(t: TestStore, id: string, columns: string): Promise<readonly object[]> {
  return t.store.query({ name: '', text: `update cloudcode.runs set ${columns} where id = '${id}' returning id` });
}

async function isLetThrough(writing: Promise<unknown>, constraint: string): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    assert.deepEqual([sqlState(error), violatedConstraint(error)], ['23514', constraint], String(error));
    return false;
  }
}

test('the database lets a run change as the table says, and in no other way', async () => {
  await using t = await testStore();
  const allowed = new Set(runTransitions.map(({ from, to }) => `${from === null ? 'nothing' : storedState(from)} to ${storedState(to)}`));
  for (const from of storedStates) {
    for (const to of storedStates.filter((state) => state !== from)) {
      const done = await isLetThrough(update(t, await makeRun(t, from), columnsFor(to)), 'run_transition_is_allowed');
      assert.equal(done, allowed.has(`${from} to ${to}`), `${from} to ${to}`);
    }
  }
  for (const state of storedStates) {
    const adding = t.store.query({
      name: '',
      text: `insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit, state) values ('${randomUUID()}', ${t.environmentId}, 'noop', '{}', now(), 5, 5, '${state}')`,
    });
    assert.equal(await adding.then(() => true, () => false), allowed.has(`nothing to ${state}`), `a new run as ${state}`);
  }
  await rebuildStore(t.store);
});

test('the database lets an attempt change as the table says, and in no other way', async () => {
  await using t = await testStore();
  const attemptStates = ['running', ...outcomes] as const;
  const sql = (text: string): Promise<readonly object[]> => t.store.query({ name: '', text });
  const say = (id: string, state: 'running' | Outcome): Promise<readonly object[]> =>
    sql(`update cloudcode.runs set state = 'dead', finished_at = now(), outcome = ${state === 'running' ? 'null' : `'${state}'`}, attempt_finished_at = ${state === 'running' ? 'null' : 'now()'} where id = '${id}'`);
  const allowed = new Set(attemptTransitions.map(({ from, to }) => `${from ?? 'nothing'} to ${to}`));
  for (const from of attemptStates) {
    for (const to of attemptStates.filter((state) => state !== from)) {
      const id = await makeRun(t, 'queued');
      await update(t, id, `${columnsFor('running')}, attempt_count = 1`);
      if (from !== 'running') await say(id, from);
      const constraint = to === 'running' ? 'state_is_whole' : 'outcome_is_final';
      assert.equal(await isLetThrough(say(id, to), constraint), allowed.has(`${from} to ${to}`), `${from} to ${to}`);
    }
  }
  await rebuildStore(t.store);
});

test('promise 6: the database lets no run be claimed with a fence that it had already', async () => {
  await using t = await testStore();
  const id = await makeRun(t, 'running');
  await update(t, id, "state = 'queued', runner_id = null");
  const again = (fence: number): Promise<boolean> => isLetThrough(update(t, id, `state = 'running', runner_id = '${t.runnerId}', fence = ${fence}`), 'fence_grows');
  assert.deepEqual([await again(1), await again(0), await again(2)], [false, false, true]);
  await rebuildStore(t.store);
});
