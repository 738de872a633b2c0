import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath, getuid, platform } from 'node:process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileAddon } from '../../../src/engine/runner/fork-server/compile-addon.ts';

const run = promisify(execFile);
const fixture = fileURLToPath(new URL('../../fixtures/fork-server/start-without.ts', import.meta.url));

/** Of its own: the limit counts the processes of a user, not of a program. */
const user = 64_911;

describe(
  'a runner outlives it when there is no process to be had for its fork server',
  { skip: platform === 'linux' ? false : 'needs Linux' },
  () => {
    let folder = '';
    let addon = '';
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cloudcode-no-process-'));
      chmodSync(folder, 0o777);
      addon = await compileAddon(folder);
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('because it may open no more files, at whatever step of the start that is (EMFILE)', async () => {
      const { stdout, stderr } = await run(execPath, [fixture, 'files', addon, folder], { timeout: 60_000 });
      assert.equal(stderr, '');
      assert.ok(Number(stdout) > 3 && Number(stdout) < 100, stdout);
    });

    it(
      'because its user may have no more processes (EAGAIN)',
      { skip: getuid?.() === 0 ? false : 'needs root, to act as a user with a limit' },
      async () => {
        const asUser = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--inh-caps=-all'];
        const { stdout, stderr } = await run('setpriv', [...asUser, execPath, fixture, 'processes', addon, folder], {
          timeout: 60_000,
        });
        assert.deepEqual([stdout.trim(), stderr], ['1', '']);
      },
    );
  },
);
