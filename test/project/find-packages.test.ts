import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { CloudCodeError } from '../../src/engine/core/errors.ts';
import { findPackages, type FoundPackages, type PackagesAsked } from '../../src/project/packages/find-packages.ts';
import { folderHasher } from '../../src/contents/hash-folder.ts';
import { makeFolder, writeFiles } from './make-folder.ts';

const entry = 'cloudcode/job/index.js';
const nothing = { imports: [], named: [], linked: [], outside: [], inputs: new Set<string>(), cache: null };

interface Needs {
  readonly [field: string]: unknown;
}

/** A package that says its name and version, and what the packages that it asks for say. */
function packageFiles(
  folder: string,
  name: string,
  {
    version = '1.0.0',
    asks = [],
    manifest = {},
  }: { version?: string; asks?: readonly string[]; manifest?: Needs } = {},
): Record<string, string> {
  const said = [`'${name}@${version}'`, ...asks.map((one) => `require('${one}')`)].join(', ');
  return {
    [`${folder}/package.json`]: JSON.stringify({ name, version, ...manifest }),
    [`${folder}/index.js`]: `module.exports = [${said}];\n`,
  };
}

function dependingOn(...names: string[]): { readonly asks: readonly string[]; readonly manifest: Needs } {
  return { asks: names, manifest: { dependencies: Object.fromEntries(names.map((name) => [name, '*'])) } };
}

/** Asks for what Node resolves from the project's file. */
async function find(
  folder: string,
  names: readonly string[],
  { importer = entry, ...rest }: Partial<PackagesAsked> & { readonly importer?: string } = {},
): Promise<FoundPackages> {
  const file = join(folder, importer);
  const imports = await Promise.all(
    names.map(async (name) => ({ path: await realpath(createRequire(file).resolve(name)), importer: file })),
  );
  return findPackages({ ...nothing, folder, imports, ...rest });
}

function placesIn({ tree }: FoundPackages): readonly string[] {
  return tree?.folders.map(({ path }) => path) ?? [];
}

/** Lays the tree out elsewhere, from its contents alone, as a machine that executes the deployment has it. */
async function layOut(t: TestContext, { tree, folders }: FoundPackages): Promise<string> {
  const root = await makeFolder(t, {});
  for (const { path, hash } of tree?.folders ?? []) {
    const kept = folders.find((one) => one.hash === hash);
    assert.ok(kept !== undefined, `no content for ${path}`);
    for (const file of kept.files) {
      await mkdir(dirname(join(root, path, file.path)), { recursive: true });
      await cp(join(kept.source, file.path), join(root, path, file.path));
    }
  }
  for (const { path, target } of tree?.links ?? []) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await symlink(target, join(root, path));
  }
  return root;
}

/** What a file of a project says by plain Node. */
function say(file: string): unknown {
  return JSON.parse(
    execFileSync(process.execPath, ['-p', 'JSON.stringify(require(process.argv[1]))', file], { encoding: 'utf8' }),
  );
}

/** The project's file says there what it says here. */
async function assertSame(t: TestContext, folder: string, found: FoundPackages, file = entry): Promise<unknown> {
  const here = say(join(folder, file));
  const there = join(await layOut(t, found), found.projectPath, file);
  await writeFiles(dirname(there), { 'index.js': await readFile(join(folder, file), 'utf8') });
  assert.deepEqual(say(there), here);
  return here;
}

describe('the packages that travel are those that Node finds from the files that import them', () => {
  it('npm: two versions of one package, each for those that found it; what nothing reaches stays', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: `module.exports = [require('a'), require('shared')];\n`,
      ...packageFiles('node_modules/a', 'a', dependingOn('shared')),
      ...packageFiles('node_modules/a/node_modules/shared', 'shared', { version: '2.0.0' }),
      ...packageFiles('node_modules/shared', 'shared'),
      ...packageFiles('node_modules/unused', 'unused'),
    });
    const found = await find(folder, ['a', 'shared']);
    assert.deepEqual(placesIn(found), ['node_modules/a', 'node_modules/a/node_modules/shared', 'node_modules/shared']);
    assert.deepEqual(
      found.folders.map(({ name }) => name),
      ['a@1.0.0', 'shared@2.0.0', 'shared@1.0.0'],
    );
    assert.deepEqual(
      found.folders[0]?.files.map(({ path }) => path),
      ['index.js', 'package.json'],
    );
    assert.equal(found.projectPath, '');
    await assertSame(t, folder, found);
  });

  it('pnpm: packages behind symbolic links, in a store of their own', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: `module.exports = [require('a'), require('@scope/c')];\n`,
      ...packageFiles('node_modules/.pnpm/a@1.0.0/node_modules/a', 'a', dependingOn('b', '@scope/c')),
      ...packageFiles('node_modules/.pnpm/b@1.0.0/node_modules/b', 'b', { asks: ['hoisted'] }),
      ...packageFiles('node_modules/.pnpm/@scope+c@1.0.0/node_modules/@scope/c', '@scope/c'),
      ...packageFiles('node_modules/.pnpm/hoisted@1.0.0/node_modules/hoisted', 'hoisted'),
    });
    const links = {
      'node_modules/a': '.pnpm/a@1.0.0/node_modules/a',
      'node_modules/@scope/c': '../.pnpm/@scope+c@1.0.0/node_modules/@scope/c',
      'node_modules/.pnpm/a@1.0.0/node_modules/b': '../../b@1.0.0/node_modules/b',
      'node_modules/.pnpm/a@1.0.0/node_modules/@scope/c': '../../../@scope+c@1.0.0/node_modules/@scope/c',
      'node_modules/.pnpm/node_modules/hoisted': '../hoisted@1.0.0/node_modules/hoisted',
    };
    for (const [path, target] of Object.entries(links)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await symlink(target, join(folder, path));
    }
    const found = await find(folder, ['a', '@scope/c']);
    assert.deepEqual(Object.fromEntries(found.tree?.links.map(({ path, target }) => [path, target]) ?? []), links);
    await assertSame(t, folder, found);
  });

  it('a workspace: packages above the project, and its own before them; a linked package that is reached by name alone', async (t) => {
    const folder = await makeFolder(t, {
      [`apps/jobs/${entry}`]: `module.exports = [require('a'), require('own'), require(['tool'].join(''))];\n`,
      'apps/jobs/package.json': '{ "name": "jobs" }',
      ...packageFiles('apps/jobs/node_modules/own', 'own', dependingOn('shared')),
      ...packageFiles('node_modules/a', 'a', dependingOn('shared')),
      ...packageFiles('node_modules/shared', 'shared'),
      ...packageFiles('packages/tool', 'tool', { ...dependingOn('shared') }),
      'packages/tool/.env': 'SECRET=1',
      ...packageFiles('packages/tool/node_modules/shared', 'shared', { version: '3.0.0' }),
    });
    await symlink('../packages/tool', join(folder, 'node_modules/tool'));
    const project = join(folder, 'apps/jobs');
    const found = await find(project, ['a', 'own'], { named: [{ name: 'tool', importer: join(project, entry) }] });
    assert.equal(found.root, folder);
    assert.equal(found.projectPath, 'apps/jobs');
    assert.deepEqual(placesIn(found), [
      'apps/jobs/node_modules/own',
      'node_modules/a',
      'node_modules/shared',
      'packages/tool',
      'packages/tool/node_modules/shared',
    ]);
    assert.deepEqual(
      found.folders.find(({ name }) => name === 'tool@1.0.0')?.files.map(({ path }) => path),
      ['index.js', 'package.json'],
    );
    await assertSame(t, project, found);
  });

  it('peers, optional ones, and what a package names without declaring it, as a generated client; what is not installed is left out', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: `module.exports = require('orm');\n`,
      ...packageFiles('node_modules/orm', 'orm', {
        asks: ['driver', 'peer', '.generated/client', 'optional'],
        manifest: {
          peerDependencies: { peer: '*', absent: '*' },
          peerDependenciesMeta: { driver: { optional: true }, 'other-driver': { optional: true } },
          optionalDependencies: { optional: '*' },
        },
      }),
      'node_modules/orm/notes.js': `// require('in-a-comment')\nconst text = "write: import x from 'in-a-text'";\nimport('node:fs'); require('./index.js');\n`,
      ...packageFiles('node_modules/driver', 'driver'),
      ...packageFiles('node_modules/peer', 'peer'),
      ...packageFiles('node_modules/optional', 'optional'),
      ...packageFiles('node_modules/.generated/client', '.generated/client'),
      ...packageFiles('node_modules/in-a-comment', 'in-a-comment'),
    });
    const found = await find(folder, ['orm']);
    assert.deepEqual(
      placesIn(found),
      ['.generated/client', 'driver', 'optional', 'orm', 'peer'].map((name) => `node_modules/${name}`),
    );
    await assertSame(t, folder, found);
  });

  it('what a package names for its own tests stays, unless the project depends on it', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: '',
      'package.json': '{ "dependencies": { "driver": "*" } }',
      ...packageFiles('node_modules/orm', 'orm', {
        manifest: { devDependencies: { 'test-runner': '*', driver: '*' } },
      }),
      'node_modules/orm/test.js': `require('test-runner');\n`,
      'node_modules/orm/drivers.js': `require('driver');\n`,
      ...packageFiles('node_modules/test-runner', 'test-runner'),
      ...packageFiles('node_modules/driver', 'driver'),
    });
    assert.deepEqual(placesIn(await find(folder, ['orm'])), ['node_modules/driver', 'node_modules/orm']);
  });

  it('a node_modules that is itself a link, from two projects: the same contents', async (t) => {
    const folder = await makeFolder(t, {
      [`one/${entry}`]: `module.exports = [require('@scope/a')];\n`,
      ...packageFiles('installed/node_modules/@scope/a', '@scope/a', dependingOn('b')),
      ...packageFiles('installed/node_modules/b', 'b'),
    });
    await symlink('../installed/node_modules', join(folder, 'one/node_modules'));
    const found = await find(join(folder, 'one'), ['@scope/a']);
    assert.deepEqual(placesIn(found), ['installed/node_modules/@scope/a', 'installed/node_modules/b']);
    await assertSame(t, join(folder, 'one'), found);
  });

  it('a node_modules deep in a package is a part of it; links inside of it are files', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: `module.exports = require('bundler');\n`,
      ...packageFiles('node_modules/bundler', 'bundler', { asks: ['./dist/main.js'] }),
      'node_modules/bundler/dist/main.js': `module.exports = [require('vendored'), require('./alias.js')];\n`,
      ...packageFiles('node_modules/bundler/dist/node_modules/vendored', 'vendored'),
    });
    await symlink('node_modules/vendored/index.js', join(folder, 'node_modules/bundler/dist/alias.js'));
    await symlink('..', join(folder, 'node_modules/bundler/dist/circle'));
    const found = await findPackages({
      ...nothing,
      folder,
      imports: [
        {
          path: join(folder, 'node_modules/bundler/dist/node_modules/vendored/index.js'),
          importer: join(folder, entry),
        },
      ],
    });
    assert.deepEqual(placesIn(found), ['node_modules/bundler']);
    await assertSame(t, folder, found);
  });

  it('nothing is reached: there is no tree', async (t) => {
    const folder = await makeFolder(t, { [entry]: '', ...packageFiles('node_modules/a', 'a') });
    const found = await find(folder, []);
    assert.deepEqual([found.tree, found.folders, found.root, found.projectPath], [null, [], folder, '']);
  });
});

describe('the hash of a package is that of its files, wherever it lies', () => {
  it('equal on another machine; other when a file, its name or its mode changes', async (t) => {
    const files = { [entry]: '', ...packageFiles('node_modules/a', 'a') };
    const [folder, other] = [await makeFolder(t, files), await makeFolder(t, files)];
    const first = await find(folder, ['a']);
    const again = await find(other, ['a']);
    assert.equal(again.tree?.hash, first.tree?.hash);
    const [kept] = first.folders;
    assert.ok(kept !== undefined);
    const hasher = folderHasher();
    for (const file of kept.files) {
      hasher.beginFile(file);
      hasher.update(await readFile(join(kept.source, file.path)));
    }
    assert.equal(hasher.digest(), kept.hash);
    await writeFile(join(other, 'node_modules/a/run.sh'), '', { mode: 0o755 });
    const changed = await find(other, ['a']);
    assert.notEqual(changed.tree?.hash, first.tree?.hash);
    assert.deepEqual(changed.folders[0]?.files.at(-1), { path: 'run.sh', bytes: 0, isExecutable: true });
    await rm(join(other, 'node_modules/a/run.sh'));
    assert.equal((await find(other, ['a'])).tree?.hash, first.tree?.hash);
  });

  it('what is remembered counts only as long as nothing was written, replaced or removed', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: '',
      ...packageFiles('node_modules/a', 'a'),
      ...packageFiles('node_modules/b', 'b'),
    });
    const cache = join(folder, '.cloudcode');
    const look = async (): Promise<string | undefined> => {
      const kept = await find(folder, ['a'], { cache });
      assert.deepEqual(kept.folders, (await find(folder, ['a'])).folders);
      return kept.tree?.hash;
    };
    const first = await look();
    assert.equal(await look(), first);
    // As long as before, at once after the look, and as a generator does it that keeps the time.
    await writeFile(join(folder, 'node_modules/a/index.js'), `module.exports = ['A@1.0.0'];\n`);
    assert.notEqual(await look(), first);
    await writeFile(join(folder, 'node_modules/a/index.js'), `module.exports = [require('b')];\n`);
    assert.equal((await find(folder, ['a'], { cache })).folders.length, 2);
    await writeFile(join(cache, 'packages.json'), 'damaged');
    await look();
  });
});

describe('packages are measured before they are deployed', () => {
  it('above the limit they are refused, and the largest are named', async (t) => {
    const folder = await makeFolder(t, {
      [entry]: '',
      ...packageFiles('node_modules/large', 'large', dependingOn('larger')),
      ...packageFiles('node_modules/larger', 'larger'),
      'node_modules/large/data.bin': 'x'.repeat(700_000),
      'node_modules/larger/data.bin': 'x'.repeat(1_400_000),
    });
    await assert.rejects(find(folder, ['large'], { maxMb: 2 }), (error) => {
      assert.ok(error instanceof CloudCodeError);
      assert.equal(error.code, 'packages_too_large');
      assert.match(error.message, /2\.1 MB.*2 MB[^]*1\.4 MB {2}larger@1\.0\.0\n *0\.7 MB {2}large@1\.0\.0/);
      assert.match(error.hint ?? '', /maxPackagesMb/);
      return true;
    });
    assert.equal((await find(folder, ['large'], { maxMb: 3 })).folders.length, 2);
  });

  it('native parts are told with the platforms that they were built for, for the whole and for a part', async (t) => {
    const header = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(bytes), Buffer.alloc(64)]);
    const folder = await makeFolder(t, {
      [entry]: '',
      ...packageFiles('node_modules/plain', 'plain'),
      ...packageFiles('node_modules/db', 'db', dependingOn('addon')),
      ...packageFiles('node_modules/addon', 'addon'),
    });
    await writeFile(
      join(folder, 'node_modules/addon/linux.node'),
      header(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x3e, 0),
    );
    await writeFile(join(folder, 'node_modules/addon/darwin.node'), header(0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1));
    const found = await find(folder, ['plain', 'db']);
    const native = [{ name: 'addon@1.0.0', path: 'node_modules/addon', platforms: ['darwin-arm64', 'linux-x64'] }];
    assert.deepEqual(found.native, native);
    const importing = (name: string) => ({
      imports: [{ path: join(folder, `node_modules/${name}/index.js`), importer: join(folder, entry) }],
      named: [],
      linked: [],
    });
    assert.deepEqual(found.nativeOf(importing('db')), native);
    assert.deepEqual(found.nativeOf(importing('plain')), []);
  });
});
