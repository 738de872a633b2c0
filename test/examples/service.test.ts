import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Run } from '../../src/engine/core/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { cloudcode, documentOf, startCloudcode, type Surroundings } from '../cli/cloudcode.ts';
import { migratedDatabase } from '../support/postgres.ts';
import { writeProject } from '../support/runtime.ts';

const folder = join(packageRoot, 'examples/service');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
/** The command of a service, on a port and in a folder of the test's own. */
const commandOf = (service: string, data: string): string[] => {
  const text = new RegExp(`^ {2}${service}:\\n(?: {4}.*\\n)*? {4}command: (\\[.*\\])$`, 'm').exec(
    read('compose.yaml'),
  )?.[1];
  return own(JSON.parse((text ?? '[]').replaceAll("'", '"')) as string[], data);
};
const own = (args: readonly string[], data: string): string[] =>
  args.map((each, index) => (args[index - 1] === '--port' ? '0' : args[index - 1] === '--data' ? data : each));

async function urlSaid(started: ReturnType<typeof startCloudcode>): Promise<string> {
  return (await started.says(/http:\/\/127\.0\.0\.1:\d+/))[0];
}

async function runs(url: string, project: string): Promise<Run> {
  const elsewhere = ['--url', url, '--environment', 'production', '--project', project];
  const deployed = await cloudcode(['deploy', ...elsewhere]);
  assert.equal(deployed.status, 0, deployed.stderr);
  return documentOf<Run>(await cloudcode(['run', 'hello', '--json', ...elsewhere]));
}

describe('examples/service does what it says', { timeout: 180_000 }, () => {
  it('the services of compose.yaml: a server without a runner, and runners without a server', async () => {
    const place = mkdtempSync(join(tmpdir(), 'cloudcode service '));
    const project = writeProject({ hello: "export async function run() { return 'hello'; }" });
    const database = await migratedDatabase();
    const surroundings: Surroundings = {
      cwd: place,
      env: { CLOUDCODE_DATABASE_URL: database.url, CLOUDCODE_MASTER_KEY: randomBytes(32).toString('base64') },
    };
    try {
      await using server = startCloudcode(commandOf('server', join(place, 'server')), surroundings);
      const url = await urlSaid(server);
      await using first = startCloudcode(commandOf('runner', join(place, 'first')), surroundings);
      await using second = startCloudcode(commandOf('runner', join(place, 'second')), surroundings);
      for (const runner of [first, second]) await runner.says(/Running \(no HTTP\)/);
      assert.equal((await runs(url, project)).result, 'hello');
    } finally {
      await database.dispose();
      for (const each of [place, project]) rmSync(each, { recursive: true, force: true });
    }
  });

  it('the command of cloudcode.service: all of it on one machine', async () => {
    const place = mkdtempSync(join(tmpdir(), 'cloudcode service '));
    const project = writeProject({ hello: "export async function run() { return 'hello'; }" });
    const [, args = ''] = /^ExecStart=\S+ \S+cloudcode (.*)$/m.exec(read('cloudcode.service')) ?? [];
    try {
      await using server = startCloudcode(own(args.split(' '), join(place, 'state')), { cwd: place });
      assert.equal((await runs(await urlSaid(server), project)).result, 'hello');
    } finally {
      for (const each of [place, project]) rmSync(each, { recursive: true, force: true });
    }
  });

  it('the unit is one by systemd, where that is there', async () => {
    const checked = await promisify(execFile)('systemd-analyze', ['verify', join(folder, 'cloudcode.service')]).then(
      ({ stderr }) => stderr,
      (error: unknown) => {
        if ((error as { readonly code?: unknown }).code === 'ENOENT') return '';
        return String((error as { readonly stderr?: unknown }).stderr);
      },
    );
    // Its user and the command are not on this machine.
    assert.deepEqual(
      checked.split('\n').filter((line) => line.includes('cloudcode.service') && /unknown|invalid|missing/i.test(line)),
      [],
    );
  });
});
