import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StartMessage } from '../../../src/engine/protocol/to-worker.ts';
import type { Containment } from '../../../src/engine/runner/containment/containment.ts';
import { openScanContainment } from '../../../src/engine/runner/containment/scan-containment.ts';
import { compileAddon } from '../../../src/engine/runner/fork-server/compile-addon.ts';
import { type ForkServerProcess, startForkServer } from '../../../src/engine/runner/fork-server/fork-server-process.ts';
import { WorkerProcess } from '../../../src/engine/runner/worker-process.ts';

const workers = Number(process.env['CLOUDCODE_TEST_FORKS'] ?? 500);

const draws = `const crypto = require('node:crypto'), vm = require('node:vm');
exports.run = async () => ({
  math: Math.random(), otherContext: vm.runInNewContext('Math.random()'), uuid: crypto.randomUUID(), bytes: crypto.randomBytes(8).toString('hex'), int: crypto.randomInt(2 ** 47),
  web: Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(8))).toString('hex'), later: await new Promise((resolve) => crypto.randomBytes(8, (error, bytes) => resolve(bytes.toString('hex')))),
  key: crypto.createECDH('prime256v1').generateKeys('hex'),
});`;

test('promise 5, forked: no two workers draw the same random numbers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-test '));
  const runnerId = randomUUID();
  const containment = openScanContainment({ runnerId, log: () => undefined });
  const server = await startForkServer({
    runnerId,
    memoryMb: 256,
    containment,
    folder,
    addon: await compileAddon(folder),
  });
  try {
    const bundle = join(folder, 'draws.cjs');
    writeFileSync(bundle, draws);
    const seen = new Map<string, Set<unknown>>();
    for (let done = 0; done < workers; done += 4) {
      const answers = await Promise.all([1, 2, 3, 4].map(() => draw({ server, containment, folder, bundle })));
      for (const [source, value] of answers.flatMap((answer) => Object.entries(answer)))
        seen.set(source, (seen.get(source) ?? new Set()).add(value));
    }
    assert.equal(seen.size, 8);
    for (const [source, values] of seen) assert.equal(values.size, workers, source);
  } finally {
    await server.end();
    rmSync(folder, { recursive: true });
  }
});

interface Drawing {
  readonly server: ForkServerProcess;
  readonly containment: Containment;
  readonly folder: string;
  readonly bundle: string;
}

async function draw({ server, containment, folder, bundle }: Drawing): Promise<Record<string, unknown>> {
  await using worker = new WorkerProcess({
    memoryMb: 256,
    isForked: true,
    startVariables: '',
    containment,
    start: (id) => server.fork(id),
  });
  await worker.ready;
  const answered = Promise.withResolvers<string>();
  worker.listen({
    message: (message) =>
      message.type === 'answer' && answered.resolve(message.resultJson ?? JSON.stringify(message.error)),
    output: () => undefined,
    channelLost: () => answered.reject(new Error('the worker did not answer')),
  });
  const run = {
    id: 'a',
    task: 'draws',
    environment: 'testing',
    queue: null,
    attempt: 1,
    maxAttempts: 1,
    fence: '1',
    scheduledBy: null,
  };
  const start: StartMessage = {
    type: 'start',
    run,
    bundle: {
      path: bundle,
      sourceMapPath: bundle,
      compiledFolder: bundle,
      format: 'cjs',
      base: bundle,
      packagesFolder: null,
    },
    folder,
    workingFolder: folder,
    external: [],
    variables: {},
    extension: null,
  };
  worker.start(start, '{}');
  return JSON.parse(await answered.promise) as Record<string, unknown>;
}
