import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { env, platform } from 'node:process';
import { describe, it } from 'node:test';
import { compileNative, nativeFile } from '../../../../src/engine/runner/compile-native.ts';
import {
  type NativeSpawning,
  openNativeSpawning,
  spawnSources,
  worthWorkers,
} from '../../../../src/engine/runner/spawn/open-native-spawning.ts';
import { startRuntime, until } from '../../../support/runtime.ts';

interface Opened extends NativeSpawning, AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly trouble: unknown[];
}

function open(folder = join(mkdtempSync(join(tmpdir(), 'cloudcode-test spawning ')), 'spawn')): Opened {
  const trouble: unknown[] = [];
  const spawning = openNativeSpawning({ folder, onTrouble: (error) => trouble.push(error) });
  return {
    ...spawning,
    folder,
    file: nativeFile(folder, spawnSources),
    trouble,
    async [Symbol.asyncDispose]() {
      await spawning.close();
      rmSync(dirname(folder), { recursive: true, force: true });
    },
  };
}

function start(spawning: NativeSpawning, workers: number): void {
  for (let worker = 0; worker < workers; worker += 1) spawning.forNext();
}

async function withVariable<Result>(
  name: 'PATH' | 'CLOUDCODE_NATIVE_SPAWN',
  value: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = { ...env };
  env[name] = value;
  try {
    return await work();
  } finally {
    delete env['CLOUDCODE_NATIVE_SPAWN'];
    Object.assign(env, before);
  }
}

const used = (spawning: NativeSpawning) => until(30_000, 'the native part is used', () => spawning.forNext());

describe('workers are started by the native part', { skip: platform === 'linux' ? false : 'needs Linux' }, () => {
  it('when a runner has started so many that compiling it pays, and from the first on where it is there', async () => {
    await using first = open();
    start(first, worthWorkers - 1);
    assert.equal(existsSync(first.folder), false, 'who starts few workers compiles nothing');
    await used(first);
    assert.deepEqual(
      readdirSync(first.folder).map((name) => join(first.folder, name)),
      [first.file],
    );
    const second = openNativeSpawning({ folder: first.folder, onTrouble: (error) => first.trouble.push(error) });
    assert.equal(second.forNext(), null, 'it is tried first');
    await used(second);
    await second.close();
    assert.deepEqual(first.trouble, []);
  });

  it('not where there is no compiler, which is no trouble, nor where the variable says so', async () => {
    await using without = open();
    await withVariable('PATH', '/nonexistent', async () => {
      start(without, worthWorkers);
      await without.close();
    });
    assert.equal(without.forNext(), null);
    await using off = open();
    await compileNative(off.folder, spawnSources);
    await withVariable('CLOUDCODE_NATIVE_SPAWN', 'off', async () => {
      start(off, worthWorkers);
      await off.close();
    });
    assert.equal(off.forNext(), null);
    assert.deepEqual([...without.trouble, ...off.trouble], []);
    assert.deepEqual(readdirSync(without.folder), []);
  });

  it('not where what is kept cannot be loaded: that is told, and the next runner makes it anew', async () => {
    await using broken = open();
    mkdirSync(broken.folder);
    writeFileSync(broken.file, 'not what a compiler makes');
    start(broken, worthWorkers);
    await until(30_000, 'it is told', () => (broken.trouble.length > 0 ? true : null));
    assert.match(String(broken.trouble[0]), /\.node: /);
    await until(30_000, 'it is removed', () => (existsSync(broken.file) ? null : true));
    assert.equal(broken.forNext(), null);
    const next = openNativeSpawning({ folder: broken.folder, onTrouble: (error) => broken.trouble.push(error) });
    start(next, worthWorkers);
    await used(next);
    await next.close();
    assert.equal(broken.trouble.length, 1);
  });

  it('closed while it is being compiled it leaves nothing behind', async () => {
    await using closed = open();
    start(closed, worthWorkers);
    await closed.close();
    assert.equal(closed.forNext(), null);
    assert.deepEqual(existsSync(closed.folder) ? readdirSync(closed.folder) : [], []);
  });

  it('by a runner, whose runs end as ever', async () => {
    await using t = await startRuntime({
      returns: 'export async function run() { return 1; }',
      exits: 'export const config = { maxAttempts: 1 }; export async function run() { process.exit(3); }',
      kills:
        'export const config = { maxAttempts: 1 }; export async function run() { process.kill(process.pid, "SIGTERM"); await new Promise(() => setInterval(() => {}, 1000)); }',
    });
    await until(30_000, 'it has loaded the native part', () =>
      readFileSync('/proc/self/maps', 'utf8').includes(join(t.folder, '.cloudcode/spawn')) ? true : null,
    );
    const ends = [];
    for (const task of ['returns', 'exits', 'kills', 'returns', 'exits', 'kills'])
      ends.push((await t.run(task)).attempts.map(({ outcome, error }) => `${outcome} ${error?.message ?? ''}`));
    const once = [
      ['returned '],
      ['exited process.exit(3) was called before `run` had answered.'],
      ['killed The process was ended by the signal SIGTERM, which the runner did not send.'],
    ];
    assert.deepEqual(ends, [...once, ...once]);
    assert.deepEqual(
      t.events.filter(({ kind }) => kind === 'trouble'),
      [],
    );
  });
});
