import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, platform } from 'node:process';
import { after, before, describe, it } from 'node:test';
import { workerStartFile } from '../../../src/engine/runner/compiled-workers.ts';
import { compileNative } from '../../../src/engine/runner/compile-native.ts';
import { loadNativeSpawner } from '../../../src/engine/runner/spawn/native-spawner.ts';
import { spawnSources } from '../../../src/engine/runner/spawn/open-native-spawning.ts';
import { workerFlags } from '../../../src/engine/runner/worker-io.ts';

// Counts that are the same on every machine, beside those of a Node process that has loaded nothing of ours.

/** Says that it waits, and waits, as a worker does. */
const bare = `const { readSync, writeSync } = process.getBuiltinModule('node:fs');
writeSync(3, 'waits');
readSync(3, Buffer.alloc(1));
process.reallyExit(0);`;

/** Loaded before anything else: tells at the end what of Node was loaded. */
const probe = `const { writeSync } = require('node:fs');
process.reallyExit = ((exit) => (code) => {
  writeSync(1, JSON.stringify(process.moduleLoadList));
  exit.call(process, code);
})(process.reallyExit);`;

describe('what a worker costs from its start until it waits', () => {
  let folder = '';
  let bareFile = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cloudcode-test counts '));
    bareFile = join(folder, 'bare.cjs');
    writeFileSync(bareFile, bare);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('three of the modules of Node more than a process that does nothing', () => {
    writeFileSync(join(folder, 'probe.cjs'), probe);
    const channel = openSync('/dev/null', 'r+'); // it ends at once
    const loadedBy = (file: string): readonly string[] => {
      const { stdout } = spawnSync(execPath, ['--require', join(folder, 'probe.cjs'), file], {
        stdio: ['ignore', 'pipe', 'ignore', channel],
        timeout: 60_000,
      });
      return JSON.parse(stdout.toString()) as readonly string[];
    };
    const known = new Set(loadedBy(bareFile));
    assert.deepEqual(
      loadedBy(workerStartFile)
        .filter((name) => !known.has(name))
        .toSorted(),
      ['NativeModule internal/source_map/source_map', 'NativeModule module', 'NativeModule vm'],
    );
    closeSync(channel);
  });

  it('three reads more, no write, no file and no thread', { skip: needsLinux() }, async () => {
    const none = await countsOf(bareFile);
    const worker = await countsOf(workerStartFile);
    assert.deepEqual(
      {
        reads: worker.reads - none.reads,
        writes: worker.writes - none.writes,
        files: worker.files - none.files,
        threads: worker.threads - none.threads,
      },
      { reads: 3, writes: 0, files: 0, threads: 0 },
    );
  });
});

describe('what the start of a worker costs its runner', { skip: needsLinux() }, () => {
  it('by the native part: no copy of pages that the runner then has to make its own again, as a fork costs it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test counts '));
    try {
      const native = loadNativeSpawner(await compileNative(folder, spawnSources));
      const touched = Buffer.alloc(64 * 1024 * 1024, 1);
      const pages = (): void => {
        for (let at = 0; at < touched.length; at += 4096) touched[at] = (touched[at] ?? 0) + 1;
      };
      const byNative = await faultsOf(pages, () =>
        native.spawn({ file: '/bin/true', arguments: [], environment: {}, folder: '/' }).closed.then(() => undefined),
      );
      const byNode = await faultsOf(pages, async () => {
        await once(
          spawn('/bin/true', [], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: {}, detached: true }).on(
            'spawn',
            () => undefined,
          ),
          'exit',
        );
      });
      assert.ok(byNative < 200 && byNode > 1_000, `${byNative} pages by the native part, ${byNode} by Node`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function needsLinux(): string | false {
  return platform === 'linux' ? false : 'needs Linux';
}

interface Counts {
  readonly reads: number;
  readonly writes: number;
  readonly files: number;
  readonly threads: number;
}

/** When the process waits. */
async function countsOf(file: string): Promise<Counts> {
  const child = spawn(execPath, [...workerFlags(64), file], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env: {} });
  try {
    await once(child.stdio[3] as Socket, 'data');
    while (stateOf(child.pid) !== 'S') await new Promise((resolve) => setTimeout(resolve, 1));
    const io = readFileSync(`/proc/${child.pid}/io`, 'latin1');
    const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
    const listed = (name: string): number => readdirSync(`/proc/${child.pid}/${name}`).length;
    return { reads: count('syscr'), writes: count('syscw'), files: listed('fd'), threads: listed('task') };
  } finally {
    child.kill('SIGKILL');
  }
}

function stateOf(pid: number | undefined): string {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '';
}

/** Minor page faults of one start, and of the use of its memory that follows: the least of several, as others cost some too. */
async function faultsOf(use: () => void, start: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let time = 0; time < 8; time += 1) {
    use();
    const before = process.resourceUsage().minorPageFault;
    const started = start();
    use();
    const after = process.resourceUsage().minorPageFault;
    await started;
    least = Math.min(least, after - before);
  }
  return least;
}
