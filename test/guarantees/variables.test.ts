import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { cancelRun } from '../../src/engine/operations/cancel-run.ts';
import { rotateMasterKey } from '../../src/engine/operations/data-keys.ts';
import { type MasterKeys, openMasterKeys } from '../../src/engine/operations/master-key.ts';
import { listVariables, setVariables, unsetVariables } from '../../src/engine/operations/variables.ts';
import { databaseText } from '../support/database-text.ts';
import { processesOf } from '../support/stage.ts';
import { type Runtime, startRuntime, until } from '../support/runtime.ts';

const tasks = {
  shows: `export async function run({ names }) { return names.map((name) => process.env[name] ?? null); }`,
  prints: `
    import { spawnSync } from 'node:child_process';
    import { inspect } from 'node:util';
    export async function run({ name, how }) {
      const value = process.env[name];
      if (how === 'plain') console.log('it is ' + value + '.');
      if (how === 'object') console.log({ value }, JSON.stringify({ value }), inspect([value]));
      if (how === 'halves') {
        for (const part of ['it is ', value.slice(0, 3), value.slice(3), '.\\n']) {
          process.stdout.write(part);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
      if (how === 'child') spawnSync('sh', ['-c', 'printf %s "it is $V1"; sleep 0.1; echo "$V2."'], { stdio: 'inherit', env: { ...process.env, V1: value.slice(0, 5), V2: value.slice(5) } });
      if (how === 'throw') throw Object.assign(new TypeError('no ' + value), { code: value, [value]: 1 });
      if (how === 'uncaught') { setTimeout(() => { throw new Error('late ' + value); }, 1); await new Promise(() => setInterval(() => undefined, 1000)); }
      if (how === 'exit') { console.error('ends: ' + value); process.exit(3); }
      return 'done';
    }`,
  waits: `export async function run() { console.log('waits'); await new Promise(() => setInterval(() => undefined, 1000)); }`,
  'cloudcode.config.js': `export default { defaults: { maxAttempts: 1 }, environments: { testing: { variables: { GREETING: 'of the configuration', OTHER: 'of the configuration' } } } };`,
};

describe('variables', { timeout: 120_000 }, () => {
  let runtime: Runtime;
  let folder = '';
  let keys: MasterKeys;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cloudcode-keys-'));
    keys = openMasterKeys(folder);
    runtime = await startRuntime(tasks, { keys, concurrency: 2 });
  });
  beforeEach(async () => {
    const set = (await listVariables(runtime.store, 'testing')).filter(({ source }) => source === 'set');
    await unsetVariables(
      runtime.store,
      'testing',
      set.map(({ name }) => name),
    );
  });
  after(async () => {
    await runtime[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const set = (name: string, value: string, masked?: boolean) =>
    setVariables(runtime.store, 'testing', { variables: [{ name, value, masked }], keys });
  const shown = async (...names: readonly string[]) => (await runtime.run('shows', { parameters: { names } })).result;

  it('reach tasks as process.env: what was set counts before the configuration, which counts again when it is unset', async () => {
    assert.deepEqual(await shown('GREETING', 'OTHER', 'MORE'), ['of the configuration', 'of the configuration', null]);
    await set('GREETING', 'set');
    await set('MORE', 'more', true);
    assert.deepEqual(await shown('GREETING', 'OTHER', 'MORE'), ['set', 'of the configuration', 'more']);
    assert.deepEqual(
      (await listVariables(runtime.store, 'testing')).map(({ setAt: _, ...each }) => each),
      [
        { name: 'GREETING', value: 'set', masked: false, source: 'set' },
        { name: 'MORE', value: null, masked: true, source: 'set' },
        { name: 'OTHER', value: 'of the configuration', masked: false, source: 'configuration' },
      ],
    );
    await unsetVariables(runtime.store, 'testing', ['GREETING', 'MORE']);
    assert.deepEqual(await shown('GREETING', 'OTHER', 'MORE'), ['of the configuration', 'of the configuration', null]);
  });

  it('a value may hold every character that a process can be given, masked or not', async () => {
    const all = Array.from({ length: 0x2ff }, (_, code) => String.fromCodePoint(code + 1)).join('');
    const value = `${all}\u2028\ufeff\ud83d\ude00 $HOME "' \\n \r\n`;
    await set('PLAIN', value);
    await set('MASKED', value, true);
    assert.deepEqual(await shown('PLAIN', 'MASKED'), [value, value]);
  });

  it('one that is masked stays so, and is a plain one when that is said', async () => {
    await set('TOKEN', 'first value', true);
    assert.equal((await set('TOKEN', 'second value'))[0]?.masked, true);
    assert.deepEqual(await shown('TOKEN'), ['second value']);
    assert.equal((await set('TOKEN', 'third value', false))[0]?.value, 'third value');
  });

  it('what is not valid is refused with the rule, and then nothing of it is set', async () => {
    const refused: readonly (readonly [string, string, boolean, RegExp])[] = [
      ['1ST', 'x', false, /"1ST" cannot be the name of a variable/],
      ['A=B', 'x', false, /"A=B" cannot/],
      ['', 'x', false, /"" cannot/],
      ['N'.repeat(201), 'x', false, /at most 200 characters/],
      ['CLOUDCODE_ATTEMPT', 'x', false, /CLOUDCODE_… are CloudCode's own/],
      ['ZERO', 'a\0b', false, /U\+0000/],
      ['HALF', 'a\ud800', false, /lone surrogate/],
      ['LARGE', 'ü'.repeat(32 * 1024 + 1), false, /has 65538 bytes, and the limit is 65536/],
      ['SHORT', 'abc', true, /has 3 characters; one that is masked must have 4/],
    ];
    for (const [name, value, masked, message] of refused) {
      const variables = [
        { name: 'GOOD', value: 'good' },
        { name, value, masked },
      ];
      await assert.rejects(setVariables(runtime.store, 'testing', { variables, keys }), {
        code: 'invalid_variable',
        message,
      });
    }
    await assert.rejects(unsetVariables(runtime.store, 'testing', ['GREETING']), {
      code: 'variable_not_found',
      hint: /in the configuration/,
    });
    await set('SPELLED', 'x');
    await assert.rejects(unsetVariables(runtime.store, 'testing', ['SPELLED', 'SPELED']), {
      code: 'variable_not_found',
      hint: /Did you mean `SPELLED`/,
    });
    assert.deepEqual(await shown('GOOD', 'SPELLED'), [null, 'x']);
    const many = Array.from({ length: 999 }, (_, number) => ({ name: `V${number}`, value: '' }));
    await assert.rejects(setVariables(runtime.store, 'testing', { variables: many, keys }), {
      message: /1002 variables .* limits are 1000/,
    });
    const large = Array.from({ length: 17 }, (_, number) => ({ name: `V${number}`, value: 'x'.repeat(64 * 1024) }));
    await assert.rejects(setVariables(runtime.store, 'testing', { variables: large, keys }), {
      message: /limits are 1000 and 1048576/,
    });
  });

  it('of several writers at once none is lost', async () => {
    const names = Array.from({ length: 12 }, (_, number) => `OF_${number}`);
    await Promise.all(names.map((name, number) => set(name, `value ${number}`, number % 2 === 0)));
    assert.deepEqual(
      await shown(...names),
      names.map((_, number) => `value ${number}`),
    );
  });

  for (const how of ['plain', 'object', 'halves', 'child', 'throw', 'uncaught', 'exit']) {
    it(`a masked value is found nowhere: ${how}`, async () => {
      const secret = `s3cret "${randomBytes(12).toString('hex')}" it's\tone\nsecond line ${randomBytes(8).toString('hex')}`;
      const [start = '', end = ''] = secret.split('\n');
      const inner = start.slice(8, 20);
      await set('TOKEN', secret, true);
      await set('INNER', inner, true);
      const run = await runtime.run('prints', { parameters: { name: 'TOKEN', how } });
      const told = JSON.stringify([run, await runtime.messages(run), runtime.events], (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      assert.match(told, /\*\*\*/);
      const everywhere = `${told}\n${await databaseText(runtime.store)}`;
      for (const part of [start, end, inner, start.slice(8, 32), JSON.stringify(start).slice(1, -1)])
        assert.equal(everywhere.includes(part), false, `${part} of ${secret} in ${how}`);
    });
  }

  it('are in the environment of no process of an attempt of another environment, nor is the master key in that of any', async () => {
    const secret = randomBytes(12).toString('hex');
    await setVariables(runtime.store, 'staging', { variables: [{ name: 'TOKEN', value: secret, masked: true }], keys });
    await set('TOKEN', `${secret} of testing`, true);
    const run = await runtime.schedule('waits');
    await runtime.printed(run, 'waits');
    const environments = processesOf(runtime.runner.id).map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    assert.ok(environments.length > 0);
    const master = keys.read()?.key.toString('base64') ?? 'none';
    for (const environment of environments) {
      assert.equal(environment.includes(secret), false);
      assert.equal(environment.includes(master), false);
    }
    await cancelRun(runtime.store, 'testing', run.id);
    await runtime.ended(run);
  });

  it('the master key is replaced while runs are under way: they go on, and so do those that begin later', async () => {
    await set('TOKEN', 'before the rotation', true);
    const before = keys.read();
    const path = join(folder, 'master.key');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const runs = Promise.all(Array.from({ length: 12 }, () => shown('TOKEN')));
    const { environments, masterKeyId } = await rotateMasterKey(runtime.store, keys);
    assert.ok(environments >= 1);
    assert.notEqual(masterKeyId, before?.id);
    assert.equal(keys.read()?.id, masterKeyId);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    for (const answer of await runs) assert.deepEqual(answer, ['before the rotation']);
    await set('MORE', 'after the rotation', true);
    assert.deepEqual(await shown('TOKEN', 'MORE'), ['before the rotation', 'after the rotation']);
    const [row] = await runtime.store.query<{ id: string }>({
      name: '',
      text: 'select distinct master_key_id as id from cloudcode.data_keys',
    });
    assert.equal(row?.id, masterKeyId);
  });

  it('a runner that has not the key starts none of their runs, says why, and goes on when it is there', async () => {
    await set('TOKEN', 'a masked value', true);
    const here = mkdtempSync(join(tmpdir(), 'cloudcode-keys-'));
    await using other = await startRuntime(tasks, { keys: openMasterKeys(here) });
    const elsewhere = mkdtempSync(join(tmpdir(), 'cloudcode-keys-'));
    await setVariables(other.store, 'testing', {
      variables: [{ name: 'TOKEN', value: 'a masked value', masked: true }],
      keys: openMasterKeys(elsewhere),
    });
    const run = await other.schedule('shows', { parameters: { names: ['TOKEN'] } });
    const reason = await until(15_000, 'the runner says why', () => other.runner.unfitReason());
    assert.match(reason, /masked variables of `testing` cannot be read without the master key: there is none in/);
    copyFileSync(join(elsewhere, 'master.key'), join(here, 'master.key'));
    const ended = await other.ended(run);
    assert.deepEqual([ended.result, ended.attempts.at(-1)?.outcome], [['a masked value'], 'returned']);
    for (const each of [here, elsewhere]) rmSync(each, { recursive: true });
  });

  it('machines that mask at the same time have one master key, or are refused', async () => {
    const [one, other] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'cloudcode-keys-')));
    await using fresh = await startRuntime(tasks, { keys: openMasterKeys(one ?? '') });
    const mask = (environment: string, at: string | undefined) =>
      setVariables(fresh.store, environment, {
        variables: [{ name: 'TOKEN', value: 'masked value', masked: true }],
        keys: openMasterKeys(at ?? ''),
      }).then(
        () => 'done',
        (error: unknown) => (error as { readonly code: string }).code,
      );
    const answers = await Promise.all([mask('testing', one), mask('staging', other), mask('production', other)]);
    const ids = await fresh.store.query({ name: '', text: 'select distinct master_key_id from cloudcode.data_keys' });
    assert.equal(ids.length, 1, answers.join());
    assert.ok(
      answers.every((answer) => ['done', 'master_key_missing', 'master_key_wrong'].includes(answer)),
      answers.join(),
    );
    for (const each of [one, other]) rmSync(each ?? '', { recursive: true });
  });
});
