import { randomUUID } from 'node:crypto';
import type { ErrorRecord } from '../../../src/engine/core/errors.ts';
import type { BundleMessage, StartMessage } from '../../../src/engine/protocol/to-worker.ts';
import { openScanContainment } from '../../../src/engine/runner/containment/scan-containment.ts';
import type { NativeSpawner } from '../../../src/engine/runner/spawn/native-spawner.ts';
import { spawnWorker } from '../../../src/engine/runner/spawn-worker.ts';
import { WorkerProcess } from '../../../src/engine/runner/worker-process.ts';

export interface OneAttempt {
  readonly result: unknown;
  readonly error: ErrorRecord | null;
  readonly keepsCode: boolean;
  /** What was printed, and what the process wrote past the capture. */
  readonly output: string;
}

/** Executes a bundle in a worker process of its own, without a runner and a store. */
export async function attempt(
  folder: string,
  {
    parameters = {},
    external = [],
    native = null,
    ...bundle
  }: BundleMessage & {
    readonly parameters?: object;
    readonly external?: readonly string[];
    readonly native?: NativeSpawner | null;
  },
): Promise<OneAttempt> {
  const runnerId = randomUUID();
  const containment = openScanContainment({ runnerId, log: () => undefined });
  await using worker = new WorkerProcess({
    memoryMb: 512,
    isForked: false,
    startVariables: '',
    containment,
    start: (workerId) =>
      spawnWorker({ runnerId, workerId, memoryMb: 512, startVariables: '', folder, compiled: [], native }),
  });
  await worker.ready;
  const answered = Promise.withResolvers<Omit<OneAttempt, 'output'>>();
  let output = '';
  worker.listen({
    message(message) {
      if (message.type === 'lines') output += message.text;
      if (message.type === 'answer')
        answered.resolve({
          result: JSON.parse(message.resultJson ?? 'null') as unknown,
          error: message.error,
          keepsCode: message.keepsCode,
        });
      if (message.type === 'stopping')
        answered.reject(new Error(`the worker ended: ${message.reason} ${message.error?.stack ?? ''}`));
    },
    output: (_stream, chunk) => (output += chunk.toString()),
    channelLost: () => answered.reject(new Error(`the worker did not answer: ${output}`)),
  });
  const run = {
    id: 'a',
    task: 'packed',
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
    bundle,
    folder,
    workingFolder: folder,
    external,
    variables: {},
    extension: null,
  };
  worker.start(start, JSON.stringify(parameters));
  const answer = await answered.promise;
  await worker.closed;
  return { ...answer, output };
}
