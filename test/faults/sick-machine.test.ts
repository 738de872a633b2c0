import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, getuid, platform } from 'node:process';
import { describe, it } from 'node:test';
import { rebuildStore } from '../../src/engine/operations/check-store.ts';
import { isFinal, type Run } from '../../src/engine/core/run.ts';
import { packageRoot } from '../../src/package-root.ts';
import { openStore, type Store } from '../../src/engine/store/open-store.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { until, writeProject } from '../support/runtime.ts';

const tasks = {
  work: 'export async function run() { await new Promise((resolve) => setTimeout(resolve, 300)); return CloudCode.run.attempt; }',
};

interface Machine extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly folder: string;
  readonly said: () => string;
}

/** A server on a project folder of its own, as another machine would have it. */
async function startMachine(databaseUrl: string, folder: string, asUser: readonly string[] = []): Promise<Machine> {
  const command = [
    execPath,
    join(packageRoot, 'bin/cloudcode.cjs'),
    'start',
    '--port',
    '0',
    '--json',
    '--concurrency',
    '4',
    '--database',
    databaseUrl,
    '--project',
    folder,
  ];
  const [program = '', ...args] = [...asUser, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [line] = (await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(said))),
  ])) as [string];
  return {
    child,
    folder,
    url: (JSON.parse(line) as { url: string }).url,
    said: () => said,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function schedule({ url }: Machine): Promise<Run> {
  const answer = await fetch(`${url}/api/v1/environments/testing/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ task: 'work' }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()) as Run;
}

async function ended({ url }: Machine, id: string): Promise<Run> {
  return until(60_000, `run ${id} is finished`, async () => {
    const run = (await (await fetch(`${url}/api/v1/environments/testing/runs/${id}`)).json()) as Run;
    return isFinal(run.state) ? run : null;
  });
}

async function readiness({
  url,
}: Machine): Promise<{ readonly status: number; readonly code?: string; readonly detail?: string }> {
  const answer = await fetch(`${url}/ready`);
  return { ...((await answer.json()) as { code?: string; detail?: string }), status: answer.status };
}

const unready = (machine: Machine) =>
  until(30_000, 'it is not ready', async () => {
    const answer = await readiness(machine);
    return answer.status === 503 ? answer : null;
  });

/** Every run succeeded, and of its attempts only the one that answered counts. */
async function assertUncounted(store: Store, runs: readonly Run[]): Promise<number> {
  let lost = 0;
  for (const { id, state, attempts, maxAttempts } of runs) {
    assert.equal(state, 'succeeded');
    assert.deepEqual(
      [...new Set(attempts.slice(0, -1).map(({ outcome }) => outcome))].filter((outcome) => outcome !== 'lost'),
      [],
    );
    assert.equal(attempts.at(-1)?.outcome, 'returned');
    const [row] = await store.query<{ left: number }>({
      name: '',
      text: `select attempt_limit - attempt_count as left from cloudcode.runs where id = '${id}'`,
    });
    assert.equal(row?.left, maxAttempts - 1, 'one attempt counted');
    lost += attempts.length - 1;
  }
  return lost;
}

const unfitReasons = async (store: Store): Promise<readonly (string | null)[]> =>
  (
    await store.query<{ reason: string | null }>({
      name: '',
      text: 'select unfit_reason as reason from cloudcode.runners where lease_ended_at is null',
    })
  ).map(({ reason }) => reason);

/** A project whose `.cloudcode` is a disk of 1 MB. Null where none can be mounted. */
function projectOnSmallDisk(): ({ readonly folder: string; fill(): void; empty(): void } & Disposable) | null {
  const folder = writeProject(tasks);
  const disk = join(folder, '.cloudcode');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  return {
    folder,
    fill: () => void spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=4k'], { stdio: 'ignore' }),
    empty: () => rmSync(join(disk, 'ballast')),
    [Symbol.dispose]() {
      spawnSync('umount', ['--lazy', disk]);
      rmSync(folder, { recursive: true });
    },
  };
}

describe(
  'promise 4: a machine that cannot start runs costs them no attempts, and says so',
  { timeout: 240_000 },
  () => {
    it('because its disk is full: another machine does the work', async (t) => {
      using disk = projectOnSmallDisk();
      if (disk === null) return t.skip('a small disk can be mounted by root only');
      const database = await testDatabaseUrl();
      const other = writeProject(tasks);
      {
        disk.fill();
        await using sick = await startMachine(database.url, disk.folder);
        await using well = await startMachine(database.url, other);
        await using store = await openStore({ url: database.url });
        const runs = [];
        for (let number = 0; number < 40; number += 1) runs.push(await schedule(sick));
        const answer = await unready(sick);
        assert.equal(answer.code, 'machine_unfit');
        assert.match(answer.detail ?? '', /ENOSPC/);
        assert.match(sick.said(), /this machine cannot start runs, and claims none until it can: .*ENOSPC/);
        await until(10_000, 'its row says so', async () =>
          (await unfitReasons(store)).some((reason) => reason?.includes('ENOSPC')) ? true : null,
        );
        assert.equal((await readiness(well)).status, 200);
        const over = await Promise.all(runs.map(({ id }) => ended(well, id)));
        assert.ok((await assertUncounted(store, over)) > 0, 'the sick machine had some of them');
        t.diagnostic(
          `attempts that did not count: ${over.reduce((sum, { attempts }) => sum + attempts.length - 1, 0)}`,
        );
      }
      await database.dispose();
      rmSync(other, { recursive: true });
    });

    it('because its disk is full: alone, it goes on when there is room', async (t) => {
      using disk = projectOnSmallDisk();
      if (disk === null) return t.skip('a small disk can be mounted by root only');
      const database = await testDatabaseUrl();
      {
        await using sick = await startMachine(database.url, disk.folder);
        disk.fill();
        await using store = await openStore({ url: database.url });
        const runs = [await schedule(sick), await schedule(sick)];
        await unready(sick);
        disk.empty();
        await assertUncounted(store, await Promise.all(runs.map(({ id }) => ended(sick, id))));
        assert.equal((await readiness(sick)).status, 200);
        assert.match(sick.said(), /this machine can start runs again/);
        await until(10_000, 'its row says so', async () =>
          (await unfitReasons(store)).every((reason) => reason === null) ? true : null,
        );
        assert.deepEqual(
          readdirSync(join(disk.folder, '.cloudcode', 'bundles')).filter((name) => name.includes('tmp')),
          [],
        );
      }
      await database.dispose();
    });

    const needsRoot =
      platform === 'linux' && getuid?.() === 0 ? false : 'needs root of Linux, to act as a user with a limit';
    /** Of its own: the limit counts the processes and threads of a user, not of a program. */
    let user = 64_920;
    for (const [what, room] of [
      ['process', 0],
      ['thread', 3],
    ] as const) {
      it(`because there is no ${what} to be had for a worker`, { skip: needsRoot }, async () => {
        user += 1;
        const uid = user;
        const folder = writeProject(tasks);
        chmodSync(folder, 0o755);
        execFileSync('chown', ['-R', String(uid), folder]);
        const database = await testDatabaseUrl();
        const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all'];
        await using proxy = await startCuttingProxy(database.url);
        {
          await using sick = await startMachine(proxy.url, folder, asUser);
          await using store = await openStore({ url: database.url });
          const limits = (...args: readonly string[]): string =>
            execFileSync('setpriv', [...asUser.slice(1), 'prlimit', '--pid', String(sick.child.pid), ...args])
              .toString()
              .trim();
          const most = limits('--nproc', '--noheadings', '--raw', '--output', 'HARD');
          limits(`--nproc=${(await settledThreadsOf(uid)) + room}:`);
          // Those that wait already do without.
          const runs = [];
          for (let number = 0; number < 12; number += 1) runs.push(await schedule(sick));
          // A worker that ends leaves room for some threads of the next, which is then started and cannot load.
          assert.match((await unready(sick)).detail ?? '', /loaded|EAGAIN/);
          if (room === 0)
            await until(10_000, 'it tells of no process', () => (/EAGAIN/.test(sick.said()) ? true : null));
          limits(`--nproc=${most}:`);
          assert.ok((await assertUncounted(store, await Promise.all(runs.map(({ id }) => ended(sick, id))))) > 0);
          assert.equal((await readiness(sick)).status, 200);
        }
        await database.dispose();
        rmSync(folder, { recursive: true });
      });
    }

    it('because it may open no more files', { skip: needsRoot }, async () => {
      const folder = writeProject(tasks);
      const database = await testDatabaseUrl();
      {
        await using sick = await startMachine(database.url, folder);
        await using store = await openStore({ url: database.url });
        const first = await schedule(sick);
        assert.equal((await ended(sick, first.id)).state, 'succeeded');
        const pid = String(sick.child.pid);
        const before = execFileSync('prlimit', ['--pid', pid, '--nofile', '--noheadings', '--raw', '--output', 'SOFT'])
          .toString()
          .trim();
        const run = await schedule(sick);
        await ended(sick, run.id);
        rmSync(join(folder, '.cloudcode', 'bundles'), { recursive: true });
        execFileSync('prlimit', ['--pid', pid, '--nofile=10:']);
        const [later] = await store.query<{ id: string }>({
          name: '',
          text: `
        insert into cloudcode.runs (id, environment_id, task, parameters, due_at, max_attempts, attempt_limit)
        select gen_random_uuid(), environment_id, task, parameters, now(), max_attempts, 5 from cloudcode.runs where id = '${run.id}' returning id`,
        });
        await rebuildStore(store);
        try {
          await until(30_000, 'it tells', () => (/claims none until it can: .*EMFILE/.test(sick.said()) ? true : null));
        } finally {
          execFileSync('prlimit', ['--pid', pid, `--nofile=${before}:`]);
        }
        await assertUncounted(store, [await ended(sick, later?.id ?? '')]);
      }
      await database.dispose();
      rmSync(folder, { recursive: true });
    });
  },
);

/** How many threads a user's processes have, when nothing has started or ended for a second: what is only passing leaves room when it goes. */
async function settledThreadsOf(uid: number): Promise<number> {
  let before = 0;
  let since = performance.now();
  return until(30_000, 'its waiting workers have loaded, and nothing else starts', () => {
    const { count, waiting } = threadsOf(uid);
    if (count !== before) since = performance.now();
    before = count;
    return waiting >= 2 && performance.now() - since > 1_000 ? count : null;
  });
}

/** The threads of a user's processes, and how many of those processes are workers that wait: they have loaded, and read. */
function threadsOf(uid: number): { readonly count: number; readonly waiting: number } {
  const lines = execFileSync('ps', ['-L', '-u', String(uid), '-o', 'pid=,args='])
    .toString()
    .trim()
    .split('\n');
  const workers = new Map<string, number>();
  for (const line of lines)
    if (line.includes('dist/worker-start.cjs'))
      workers.set(line.trim().split(' ')[0] ?? '', (workers.get(line.trim().split(' ')[0] ?? '') ?? 0) + 1);
  return { count: lines.length, waiting: [...workers.values()].filter((threads) => threads >= 7).length };
}
