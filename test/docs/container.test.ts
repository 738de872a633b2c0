import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import type { Run } from '../../src/engine/core/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { initProject } from '../../src/project/init-project.ts';
import { cloudcode, documentOf, startCloudcode } from '../cli/cloudcode.ts';
import { asProcess1, process1Of, withoutNamespaces } from '../support/pid-namespace.ts';
import { until } from '../support/runtime.ts';

const execute = promisify(execFile);
const [binary, program] = ['node_modules/.bin', 'node_modules/.bin/cloudcode'];
const lines = readFileSync(join(packageRoot, 'docs/container/Dockerfile'), 'utf8').split('\n');

/** What stands behind an instruction of the Dockerfile, each time that it occurs. */
const instructions = (name: string): readonly string[] => lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
/** The command of CMD or HEALTHCHECK, on a port that nobody else has. */
const commandOf = (instruction: string): readonly string[] => JSON.parse(instruction.slice(instruction.indexOf('['))) as string[];

describe('docs/container/Dockerfile does what it says, as far as it goes without Docker', { skip: withoutNamespaces, timeout: 240_000 }, () => {
  let app = '';
  before(async () => {
    app = join(mkdtempSync(join(tmpdir(), 'cloudcode container ')), 'app');
    await initProject(app, dataInProject);
    // What its first RUN, `npm ci`, would do.
    mkdirSync(join(app, binary), { recursive: true });
    symlinkSync(packageRoot, join(app, 'node_modules/cloudcode'));
    symlinkSync('../cloudcode/bin/cloudcode.cjs', join(app, program));
  });
  after(() => rmSync(join(app, '..'), { recursive: true, force: true }));

  it('is made from a Node that can stand behind a shell, and copies what there is', () => {
    const [, major] = /^node:(\d+)/.exec(instructions('FROM')[0] ?? '') ?? [];
    assert.ok(Number(major) >= 24, `Node ${major}`);
    const ignored = readFileSync(join(packageRoot, 'docs/container/.dockerignore'), 'utf8').split('\n');
    const copied = readdirSync(app).filter((name) => !ignored.includes(name));
    assert.ok(['cloudcode', 'cloudcode.config.ts', 'package.json'].every((name) => copied.includes(name)) && !copied.includes('node_modules'), copied.join(' '));
  });

  it('its commands run: it becomes healthy, executes a task, and stops with 0 at its signal', async () => {
    const user = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
    const [install, ...more] = instructions('RUN');
    assert.equal(install, 'npm ci --omit=dev');
    for (const command of more) await execute('sh', ['-ec', command.replace('chown node', `chown ${user}`)], { cwd: app });

    const [file, ...args] = commandOf(instructions('CMD')[0] ?? '');
    assert.equal(file, program);
    await using started = startCloudcode([...args, '--port', '0'], { cwd: app, command: [...(asProcess1 ?? ['false']), process.execPath, program] });
    const [, url = ''] = await started.says(/Listening at (\S+)/);
    const [node, ...check] = commandOf(instructions('HEALTHCHECK')[0] ?? '');
    assert.equal(node, 'node');
    const isHealthy = async (): Promise<true | null> =>
      execute(process.execPath, check.map((text) => text.replace('http://127.0.0.1:4000', url))).then(() => true as const, () => null);
    await until(60_000, 'it is healthy', isHealthy);

    const run = documentOf<Run>(await cloudcode(['run', 'count_primes', '--parameters', '{"below":1000}', '--json'], { cwd: app }));
    assert.equal(run.state, 'succeeded');
    const volumes = instructions('VOLUME').map((path) => path.replace('/app', app));
    assert.ok(volumes.some((volume) => readdirSync(volume).includes('postgres')), 'the database is in the volume');

    process.kill(process1Of(started.child.pid ?? 0), instructions('STOPSIGNAL')[0]);
    assert.equal(await started.ended, 0, started.stderr());
    assert.equal(await isHealthy(), null);
  });
});
