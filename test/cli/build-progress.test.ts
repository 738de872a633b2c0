import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf, startCloudcode } from './cloudcode.ts';

const returns = (value: string): string => `export async function run() { return '${value}'; }`;

describe(
  'CLI: whoever waits for a build that takes more than a second is told, on standard error, what it is at',
  { timeout: 240_000 },
  () => {
    let folder = '';
    before(
      () =>
        (folder = writeProject({
          task: returns('one'),
          'cloudcode.config.ts': 'await new Promise((resolve) => setTimeout(resolve, 2500));\nexport default {};',
        })),
    );
    after(() => rmSync(folder, { recursive: true, force: true }));
    const atConfiguration = /^(?:.*\n)*running cloudcode\.config\.ts …\n/;

    it('run and schedule without a server', async () => {
      const scheduled = await cloudcode(['schedule', 'task', '--json', '--project', folder]);
      assert.match(scheduled.stderr, atConfiguration);
      assert.equal(documentOf<Run>(scheduled).task, 'task');
      const ran = await cloudcode(['run', 'task', '--json', '--project', folder]);
      assert.match(ran.stderr, atConfiguration);
      assert.equal(documentOf<Run>(ran).result, 'one');
    });

    it('dev, and run while dev builds what was just saved', async () => {
      await using dev = startCloudcode(['dev', '--port', '0', '--project', folder]);
      await dev.says(/Ctrl-C stops it/);
      assert.match(dev.stderr(), atConfiguration);
      writeFileSync(join(folder, 'cloudcode/task/index.ts'), returns('two'));
      const ran = await cloudcode(['run', 'task', '--json', '--project', folder]);
      assert.match(ran.stderr, atConfiguration);
      assert.equal(documentOf<Run>(ran).result, 'two');
    });

    it('start', async () => {
      await using server = startCloudcode(['start', '--port', '0', '--project', folder]);
      await server.says(/Ctrl-C stops it/);
      assert.match(server.stderr(), atConfiguration);
    });
  },
);
