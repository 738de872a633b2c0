import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  openSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { spawnSync } from 'node:child_process';
import { describe, it, test } from 'node:test';
import { packageRoot } from '../../../src/package-root.ts';
import { openCompiledWorkers, workerStartFile } from '../../../src/engine/runner/compiled-workers.ts';
import { startRuntime, until } from '../../support/runtime.ts';

const tells = `import { readFileSync } from 'node:fs';
  export const config = { memoryMb: 256 };
  export async function run() {
    return { argv: process.argv, command: readFileSync('/proc/self/cmdline', 'latin1').split('\\0') };
  }`;

interface Told {
  readonly argv: readonly string[];
  readonly command: readonly string[];
}

describe("V8's compiled code of the worker", { timeout: 120_000 }, () => {
  it('is made when the first worker has started, and used by those that come later; a task sees no difference', async () => {
    await using t = await startRuntime({ tells });
    const told = async (): Promise<Told> => (await t.run('tells')).result as Told;
    const compiledIn = ({ command }: Told): string | null => command.find((word) => word.endsWith('.bin')) ?? null;
    const first = await told();
    assert.equal(compiledIn(first), null, 'this one compiles its code itself');
    const later = await until(60_000, 'a worker is started with it', async () => {
      const now = await told();
      return compiledIn(now) === null ? null : now;
    });
    assert.deepEqual(first.argv, [execPath, join(packageRoot, 'dist/worker.cjs')]);
    assert.deepEqual(later.argv, first.argv);

    const file = compiledIn(later) ?? '';
    const whole = readFileSync(file);
    const other = await until(60_000, 'that of waiting workers with the usual limit is made', () => {
      const found = readdirSync(dirname(file)).find((name) => name.endsWith('.bin') && name !== basename(file));
      return found === undefined ? null : join(dirname(file), found);
    });
    const breakages: Readonly<Record<string, () => void>> = {
      'cut in half': () => truncateSync(file, Math.floor(whole.length / 2)),
      empty: () => writeFileSync(file, ''),
      'of other flags': () => copyFileSync(other, file),
      'not what V8 writes': () => writeFileSync(file, Buffer.alloc(whole.length, 7)),
      gone: () => rmSync(file),
    };
    for (const [name, damage] of Object.entries(breakages)) {
      damage();
      const runs = await Promise.all(Array.from({ length: 6 }, () => t.run('tells')));
      assert.ok(
        runs.every(({ state, attempts }) => state === 'succeeded' && attempts.length === 1),
        `a file that is ${name}: workers compile their code themselves`,
      );
    }
  });
});

test("V8's compiled code of the worker: where it cannot be kept, nothing else is lost", () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test compiled '));
  try {
    writeFileSync(join(folder, 'file'), '');
    const workers = openCompiledWorkers(join(folder, 'file'));
    workers.make(256);
    assert.deepEqual(workers.argumentsFor(256), []);
    workers.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("V8's compiled code of the worker is not kept where the worker is another than the runner knows", () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test compiled '));
  const channel = openSync('/dev/null', 'r+'); // it ends at once
  try {
    const { ctimeMs, size } = statSync(join(packageRoot, 'dist/worker.cjs'));
    const keep = (version: string): number | null =>
      spawnSync(execPath, [workerStartFile, join(folder, 'kept'), version, 'keep'], {
        stdio: ['ignore', 'ignore', 'ignore', channel],
        timeout: 30_000,
      }).status;
    assert.equal(keep(`${size}-${ctimeMs + 1}`), 1);
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(keep(`${size}-${ctimeMs}`), 0);
    assert.deepEqual(readdirSync(folder), ['kept']);
  } finally {
    closeSync(channel);
    rmSync(folder, { recursive: true });
  }
});
