import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { initProject } from '../../src/project/init-project.ts';
import { isNodeNewEnough } from '../../src/project/machine-node.ts';
import { findProgram } from '../support/find-program.ts';
import { oldNode } from '../support/old-node.ts';

const execute = promisify(execFile);
const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const nodePackage = `node-linux-${process.arch}`;
const tellNode = (file: string): string => `node -p process.versions.node > ${file}.txt`;

interface Manifest {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

/** What it installs is packed here: a Node as the package of one brings it, whose file starts this one, and a package with scripts that say on which Node they run. */
describe(
  'a project that was made on a machine with an old Node uses the one that it brings',
  { skip: process.platform !== 'linux', timeout: 120_000 },
  () => {
    let root = '';
    let folder = '';
    let path = '';
    const machine = (command: string): Promise<{ readonly stdout: string }> =>
      execute('/bin/sh', ['-c', command], {
        cwd: folder,
        env: { PATH: path, HOME: root, npm_config_update_notifier: 'false' },
      });
    const pack = async (name: string, manifest: object): Promise<string> => {
      writeFileSync(join(root, name, 'package.json'), JSON.stringify({ name, version: '24.0.0', ...manifest }));
      const { stdout } = await execute('/bin/sh', ['-c', `npm pack --silent ${quote(join(root, name))}`], {
        cwd: root,
        env: { PATH: path, HOME: root },
      });
      return `file:${join(root, stdout.trim())}`;
    };
    const toldBy = (script: string): string =>
      readFileSync(join(folder, 'node_modules/native', `${script}.txt`), 'utf8').trim();

    before(async () => {
      root = mkdtempSync(join(tmpdir(), 'cloudcode old machine '));
      for (const name of ['machine', `${nodePackage}/bin`, 'native']) mkdirSync(join(root, name), { recursive: true });
      const scripts: readonly (readonly [string, readonly string[]])[] = [
        ['machine/node', oldNode()],
        [`${nodePackage}/bin/node`, [process.execPath]],
      ];
      for (const [file, command] of scripts) {
        writeFileSync(join(root, file), `#!/bin/sh\nexec ${command.map(quote).join(' ')} "$@"\n`);
        chmodSync(join(root, file), 0o755);
      }
      path = [join(root, 'machine'), dirname(findProgram('npm')), '/usr/bin', '/bin'].join(delimiter);
      const packed = {
        node: await pack(nodePackage, { bin: { node: 'bin/node' } }),
        native: await pack('native', {
          scripts: {
            preinstall: tellNode('preinstall'),
            install: tellNode('install'),
            postinstall: tellNode('postinstall'),
          },
        }),
      };
      const own = process.env.PATH;
      process.env.PATH = path;
      try {
        ({ folder } = await initProject(join(root, 'my app'), dataInProject));
      } finally {
        process.env.PATH = own;
      }
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
      assert.ok(nodePackage in manifest.optionalDependencies);
      const { devDependencies: _types, ...rest } = manifest;
      // What comes from a registry is taken out or replaced; the rest is as it was made.
      writeFileSync(
        join(folder, 'package.json'),
        JSON.stringify({
          ...rest,
          scripts: { ...manifest.scripts, test: 'node -p process.versions.node' },
          dependencies: { native: packed.native },
          optionalDependencies: { [nodePackage]: packed.node },
          allowScripts: { [packed.native]: true },
        }),
      );
      await machine('npm install --offline --no-audit --no-fund');
    });
    after(() => rmSync(root, { recursive: true, force: true }));

    it('its own scripts, and those by which its packages are built: npm itself runs on the other', async () => {
      assert.ok(!isNodeNewEnough((await machine('node -p process.versions.node')).stdout.trim()));
      assert.equal((await machine('npm test --silent')).stdout.trim(), process.versions.node);
      assert.equal((await machine("npm exec -c 'node -p process.versions.node'")).stdout.trim(), process.versions.node);
      assert.deepEqual([toldBy('install'), toldBy('postinstall')], [process.versions.node, process.versions.node]);
    });

    it('the command that the error of an add-on for another Node prints builds it for the one of the project', async () => {
      const explain = `import { explainAddon } from ${JSON.stringify(join(import.meta.dirname, '../../src/engine/worker/explain-thrown.ts'))};
      console.log(explainAddon(Object.assign(new Error("The module '${join(folder, 'node_modules/native/build/x.node')}'\\nwas compiled against a different Node.js version using\\nNODE_MODULE_VERSION 115."), { code: 'ERR_DLOPEN_FAILED' })));`;
      writeFileSync(join(folder, 'explain.ts'), explain);
      const { stdout } = await machine('node_modules/.bin/node explain.ts');
      const command = /and deploy again: (.*)$/m.exec(stdout)?.[1];
      assert.ok(command !== undefined, stdout);
      for (const script of ['preinstall', 'install', 'postinstall'])
        rmSync(join(folder, 'node_modules/native', `${script}.txt`));
      await machine(command);
      assert.deepEqual(
        ['preinstall', 'install', 'postinstall'].map(toldBy),
        Array.from({ length: 3 }, () => process.versions.node),
      );
    });
  },
);
