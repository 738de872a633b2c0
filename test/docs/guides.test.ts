import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { readGuide, writeGuideProject } from './guide.ts';

const pages = ['README.md', 'docs/tasks.md', 'docs/scheduling.md', 'docs/queues.md', 'docs/data-model.md', 'docs/db.md', 'docs/http.md', 'docs/cli.md'];
const program = join(packageRoot, 'bin/cloudcode.cjs');

describe('the documentation does what it says', { timeout: 300_000 }, () => {
  for (const page of pages) {
    describe(page, () => {
      const guide = readGuide(page);
      let folder: string;
      let server: ChildProcess;
      let address: string;
      before(async () => {
        folder = mkdtempSync(join(tmpdir(), 'cloudcode-guide-'));
        writeGuideProject(guide, folder);
        ({ server, address } = await startServer(folder));
      });
      after(async () => {
        await stopServer(server);
        rmSync(folder, { recursive: true, force: true });
      });

      for (const args of guide.commands) {
        it(`npx cloudcode ${args.join(' ')}`, async () => {
          await succeeds(folder, args);
        });
      }
      for (const task of tasksWithoutCommand(guide)) {
        it(`task ${task}`, async () => {
          await succeeds(folder, ['run', task, '--json']);
        });
      }
      // Last, because some schedule runs that `--drain` would wait for.
      for (const { task, body } of guide.fragments) {
        it(`block: ${body.trim().split('\n')[0] ?? ''}`, async () => {
          await succeeds(folder, ['run', task, '--json']);
        });
        const name = /^async function (\w+)\(base: string\)/.exec(body)?.[1];
        if (name === undefined) continue;
        it(`${name} does what it says with a server`, async () => {
          const file = join(folder, `${task}.ts`);
          writeFileSync(file, `${body}\nexport default ${name};\n`);
          const { default: call } = (await import(file)) as { readonly default: (base: string) => Promise<unknown> };
          assert.ok(await call(address));
        });
      }
    });
  }
});

describe('the documentation hangs together', () => {
  for (const page of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: packageRoot })]) {
    it(`${page}: every link leads somewhere`, () => {
      const text = readFileSync(join(packageRoot, page), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
      const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
      for (const [link, path = '', anchor] of targets) {
        const target = path === '' ? join(packageRoot, page) : resolve(packageRoot, dirname(page), path);
        const found = globSync(target);
        assert.equal(found.length, 1, `${link} of ${page}`);
        if (anchor !== undefined) assert.ok(anchorsOf(target).includes(anchor), `${link} of ${page}: there is no such heading`);
      }
    });
  }
});

/** Tasks of a page that none of its commands runs and that can do without parameters. */
function tasksWithoutCommand({ files, commands }: ReturnType<typeof readGuide>): readonly string[] {
  return [...files].flatMap(([path, body]) => {
    const task = /^cloudcode\/(\w+)\/index\.ts$/.exec(path)?.[1];
    const needsParameters = /function run\((?:\{[^=]*\}|\w+): /.test(body);
    return task === undefined || needsParameters || commands.some((args) => args.includes(task)) ? [] : [task];
  });
}

/** Headings as GitHub makes them into anchors. */
function anchorsOf(file: string): readonly string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-'));
}

async function succeeds(folder: string, args: readonly string[]): Promise<void> {
  const { promise, resolve: settle } = Promise.withResolvers<{ status: unknown; output: string }>();
  execFile(process.execPath, [program, ...args, '--project', folder], { timeout: 60_000 }, (error, stdout, stderr) => {
    settle({ status: error === null ? 0 : (error.code ?? error.signal), output: `${stdout}\n${stderr}` });
  });
  const { status, output } = await promise;
  assert.equal(status, 0, output);
}

/** The commands find it by the record it leaves in the project. */
async function startServer(folder: string): Promise<{ readonly server: ChildProcess; readonly address: string }> {
  const server = spawn(process.execPath, [program, 'start', '--project', folder, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  const address = await new Promise<string>((isListening, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(printed) ?? [];
      if (found !== undefined) isListening(found);
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('exit', (status) => reject(new Error(`start ended with status ${status ?? 'none'}: ${printed}`)));
    setTimeout(() => reject(new Error(`start printed no address: ${printed}`)), 60_000).unref();
  });
  return { server, address };
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  // Nothing runs, so there is nothing to wait for.
  const killing = setTimeout(() => server.kill('SIGKILL'), 20_000);
  const [, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  clearTimeout(killing);
  assert.equal(signal, null, 'start did not stop within 20 s of SIGTERM');
}
