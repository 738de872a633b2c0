import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { writeProject } from '../support/runtime.ts';
import { type Started, startCloudcode } from './cloudcode.ts';

const returns = (value: string): string => `export async function run() { return '${value}'; }`;

describe(
  'CLI: whoever waits for a build that takes more than a second is told, on standard error, what it is at',
  { timeout: 240_000 },
  () => {
    let folder = '';
    let gate = '';
    before(() => {
      folder = writeProject({ task: returns('one') });
      gate = join(folder, 'gate');
      const waiting = `while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 20));`;
      writeFileSync(
        join(folder, 'cloudcode.config.ts'),
        `import { existsSync } from 'node:fs';\n${waiting}\nexport default {};`,
      );
    });
    after(() => rmSync(folder, { recursive: true, force: true }));
    /** The configuration waits at the gate until that was told. */
    const told = async (started: Started): Promise<void> => {
      await started.says(/^running cloudcode\.config\.ts …\n/m);
      assert.equal(started.stdout(), '', 'on standard error');
      writeFileSync(gate, '');
    };
    const closeGate = (): void => rmSync(gate, { force: true });
    const ranTo = async <Document>(args: readonly string[]): Promise<Document> => {
      closeGate();
      await using started = startCloudcode([...args, '--json', '--project', folder]);
      await told(started);
      assert.equal(await started.ended, 0, started.stderr());
      return JSON.parse(started.stdout()) as Document;
    };

    it('run and schedule without a server', async () => {
      assert.equal((await ranTo<Run>(['schedule', 'task'])).task, 'task');
      assert.equal((await ranTo<Run>(['run', 'task'])).result, 'one');
    });

    it('dev, and run while dev builds what was just saved', async () => {
      closeGate();
      await using dev = startCloudcode(['dev', '--port', '0', '--project', folder]);
      await told(dev);
      await dev.says(/Ctrl-C stops it/);
      closeGate();
      writeFileSync(join(folder, 'cloudcode/task/index.ts'), returns('two'));
      assert.equal((await ranTo<Run>(['run', 'task'])).result, 'two');
    });

    it('start', async () => {
      closeGate();
      await using server = startCloudcode(['start', '--port', '0', '--project', folder]);
      await told(server);
      await server.says(/Ctrl-C stops it/);
    });
  },
);
