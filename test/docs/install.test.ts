import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.ts';

const execute = promisify(execFile);
const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');

describe('README: installing, as far as it goes without a registry', { timeout: 240_000 }, () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'cloudcode install '));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  /** A line of the README that is typed in the clone, with our folder in place of `../my-app`. */
  const inTheClone = (start: string): string => {
    const line = readme.split('\n').find((text) => text.startsWith(start));
    assert.ok(line, `the README has no line that begins with ${start}`);
    return (line.split('#')[0] ?? '').trim().replace('../my-app', '"$APP"');
  };
  const type = (line: string, cwd: string) =>
    execute('sh', ['-c', line], { cwd, env: { ...process.env, APP: join(root, 'my app'), PATH: [join(packageRoot, 'node_modules/.bin'), process.env.PATH].join(delimiter) } });

  it('says how a project is made before it uses a command in one', () => {
    assert.ok(readme.indexOf('npx cloudcode init') < readme.indexOf('npx cloudcode run'));
  });

  it('init in the clone, then npm pack: the package that it makes runs a task of the project', async () => {
    await type(inTheClone('npx cloudcode init'), packageRoot);
    // dist/ is there, and other tests use it.
    await type(`${inTheClone('npm pack')} --ignore-scripts`, packageRoot);
    const app = join(root, 'my app');
    const file = /npm install \.\/(\S+\.tgz)/.exec(readme)?.[1] ?? '';
    assert.ok(readdirSync(app).includes(file), `${file}, among ${readdirSync(app).join(', ')}`);

    // What `npm install` would do.
    const installed = join(app, 'node_modules/cloudcode');
    mkdirSync(join(app, 'node_modules/.bin'), { recursive: true });
    await type(`tar -xzf ${file} && mv package node_modules/cloudcode`, app);
    for (const name of readdirSync(join(packageRoot, 'node_modules')).filter((each) => each !== 'cloudcode' && !each.startsWith('.'))) {
      symlinkSync(join(packageRoot, 'node_modules', name), join(app, 'node_modules', name));
    }
    const { stdout } = await type(`node ${JSON.stringify(join(installed, 'bin/cloudcode.cjs'))} run count_primes --parameters '{"below":100}' --json`, app);
    assert.equal((JSON.parse(stdout) as { state: string }).state, 'succeeded');
  });
});
