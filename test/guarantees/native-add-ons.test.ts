import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { explainAddon } from '../../src/engine/worker/explain-thrown.ts';
import { startRuntime } from '../support/runtime.ts';

/** Says of itself, as add-ons without Node-API do, for which binary interface of Node it was built. */
const addon = `
struct module { int version; unsigned flags; void *handle; const char *file; void *init; void *context_init; const char *name; void *data; void *link; };
extern void node_module_register(void *);
static void init(void) {}
static struct module self = {VERSION, 0, 0, "addon.c", 0, init, "addon", 0, 0};
__attribute__((constructor)) static void begin(void) { node_module_register(&self); }
`;
const bin = dirname(process.execPath);
const headers = existsSync(join(dirname(bin), 'include/node/node.h')) ? ` npm_config_nodedir="${dirname(bin)}"` : '';
const fixes = `PATH="${bin}:$PATH"${headers} npm rebuild`;

describe('a native add-on that cannot be loaded', { skip: process.platform !== 'linux' }, () => {
  let folder = '';
  const fileIn = (name: string): string => {
    const holder = join(folder, 'node_modules', name, 'build');
    mkdirSync(holder, { recursive: true });
    return join(holder, 'addon.node');
  };
  const compile = (to: string, version: number, ...options: readonly string[]): string => {
    execFileSync('cc', ['-shared', '-fPIC', `-DVERSION=${version}`, '-o', to, join(folder, 'addon.c'), ...options]);
    return to;
  };
  const errorOf = (file: string): string | null => {
    try {
      process.dlopen({ exports: {} }, file);
    } catch (error) {
      return explainAddon(error);
    }
    throw new Error('it could be loaded');
  };
  /** A library that is there when it is linked, and gone when it is loaded. */
  const needing = (name: string, library: string): string => {
    const path = join(folder, library);
    execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-Wl,-soname,' + library, '-o', path, '/dev/null']);
    const file = compile(fileIn(name), 115, '-Wl,--no-as-needed', path);
    rmSync(path);
    return file;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cloudcode add-ons '));
    writeFileSync(join(folder, 'addon.c'), addon);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('of another Node: the run says so, and the command that builds it again', async () => {
    const file = compile(fileIn('@scope/sqlite'), 115);
    const load = `import { createRequire } from 'node:module';\nconst load = createRequire('/');`;
    await using runtime = await startRuntime({
      at_start: `${load}\nload(${JSON.stringify(file)});\nexport async function run() {}`,
      later: `${load}\nexport async function run() { try { load(${JSON.stringify(file)}); } catch (cause) { throw new Error('The database cannot be opened.', { cause }); } }`,
    });
    const why = `It was built for Node 20 (NODE_MODULE_VERSION 115), and tasks run on Node ${process.versions.node} (${process.versions.modules}). Build it again in the project's folder, and deploy again: ${fixes} @scope/sqlite`;
    const [atStart, later] = await Promise.all([runtime.run('at_start'), runtime.run('later')]);
    assert.equal(atStart.state, 'failed');
    assert.equal(atStart.error?.message.split('\n').at(-1), why);
    assert.equal(later.error?.message, `The database cannot be opened.\n${why}`);
  });

  test('the command is that of the package manager which the project uses, with the headers of the Node that tasks run on', () => {
    const inStore = join('.pnpm/sqlite@1.0.0/node_modules', 'sqlite');
    const command = /and deploy again: (.*)$/.exec(errorOf(compile(fileIn(inStore), 115)) ?? '')?.[1];
    assert.equal(command, `PATH="${bin}:$PATH"${headers} pnpm rebuild sqlite`);
    const own = process.cwd();
    const file = compile(fileIn('hoisted'), 115);
    try {
      process.chdir(folder);
      assert.match(errorOf(file) ?? '', / npm rebuild hoisted$/);
      writeFileSync(join(folder, 'pnpm-lock.yaml'), '');
      assert.match(errorOf(file) ?? '', / pnpm rebuild hoisted$/);
    } finally {
      process.chdir(own);
      rmSync(join(folder, 'pnpm-lock.yaml'));
    }
  });

  test('of a Node that is not known yet', () => {
    assert.match(
      errorOf(compile(fileIn('future'), 999)) ?? '',
      /^It was built for another Node \(NODE_MODULE_VERSION 999\).* npm rebuild future$/,
    );
  });

  test('of another system, and of another processor', () => {
    const mac = fileIn('mac');
    const header = Buffer.alloc(4096);
    header.writeUInt32BE(0xcffaedfe, 0);
    header.writeUInt32LE(0x0100000c, 4);
    writeFileSync(mac, header);
    assert.match(
      errorOf(mac) ?? '',
      new RegExp(
        `^It was built for darwin-arm64, and this machine is linux-${process.arch}\\. Install the packages on this platform`,
      ),
    );
    const other = fileIn('other');
    const code = readFileSync(compile(other, 115));
    code.writeUInt16LE(process.arch === 'arm64' ? 0x3e : 0xb7, 18);
    rmSync(other);
    writeFileSync(other, code);
    assert.match(
      errorOf(other) ?? '',
      new RegExp(
        `^It was built for linux-${process.arch === 'arm64' ? 'x64' : 'arm64'}, and this machine is linux-${process.arch}\\. `,
      ),
    );
  });

  test('of another C library, or one that needs a library which is not there', () => {
    const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
    if (report.header?.glibcVersionRuntime !== undefined)
      assert.match(
        errorOf(needing('alpine', 'libc.musl-x86_64.so.1')) ?? '',
        /^It was built for musl \(Alpine Linux\), and this machine has glibc\. /,
      );
    assert.equal(
      errorOf(needing('vips', 'libnot-there.so.3')),
      'It needs the library libnot-there.so.3, which this machine does not have: install the package of the system that it comes in.',
    );
  });

  test('any other error is left as it is', () => {
    assert.equal(explainAddon(new Error('NODE_MODULE_VERSION 115')), null);
    assert.equal(errorOf(join(folder, 'gone.node')), null);
  });
});
