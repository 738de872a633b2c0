import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { getuid, platform } from 'node:process';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endLeftovers } from '../../../../src/engine/runner/containment/end-leftovers.ts';
import { exitOf, isAlive, newToken, pidsWith, until } from './processes.ts';

const fixture = fileURLToPath(new URL('../../../fixtures/containment/runner.ts', import.meta.url));
/** Three workers, each with two children (a setsid'ed loop and an orphan). */
const allProcesses = 9;

for (const mechanism of ['cgroup', 'scan'] as const) {
  describe(`workers die with their runner (${mechanism})`, { skip: await reasonToSkip(mechanism) }, () => {
    it('all are gone within a second of its kill -9, busy or detached or deaf to signals', async () => {
      await using runner = await startFixture({ mechanism });
      runner.child.kill('SIGKILL');
      await exitOf(runner.child);
      await allGone(runner);
    });

    it('also when the guard was asked to end before, in every way but SIGKILL', async () => {
      await using runner = await startFixture({ mechanism });
      const { guardPid } = runner;
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
        process.kill(guardPid, signal);
      runner.child.kill('SIGKILL');
      await exitOf(runner.child);
      await allGone(runner);
    });

    it('also after Ctrl-C in their terminal, which reaches a whole process group', async () => {
      await using runner = await startFixture({ mechanism });
      process.kill(-runner.pid, 'SIGINT');
      await exitOf(runner.child);
      await allGone(runner);
    });

    it('also when the first guard was killed: the runner starts another one', async () => {
      await using runner = await startFixture({ mechanism });
      const first = runner.guardPid;
      process.kill(first, 'SIGKILL');
      const log = await runner.message('log');
      assert.match(String(log), /guard process ended/);
      let second: unknown = null;
      for (let tries = 0; tries < 500 && (second === null || second === first); tries++) {
        runner.say('guard');
        second = await runner.message('guard');
      }
      assert.ok(isAlive(Number(second)));
      await until(() => pidsWith(runner.token).length === allProcesses + 1, 'the workers go on meanwhile');
      runner.child.kill('SIGKILL');
      await exitOf(runner.child);
      await allGone({ ...runner, guardPid: Number(second) });
    });

    it('what a runner and its guard left when both were killed is ended on behalf of the next runner', async () => {
      await using runner = await startFixture({ mechanism });
      // A guard that is dead would be replaced by its runner, and one that lives would act: it is stopped until the runner is gone.
      process.kill(runner.guardPid, 'SIGSTOP');
      runner.child.kill('SIGKILL');
      await exitOf(runner.child);
      process.kill(runner.guardPid, 'SIGKILL');
      await until(() => pidsWith(runner.token).length === allProcesses, 'all but the runner live on');
      await endLeftovers(runner.runnerId);
      assert.deepEqual(pidsWith(runner.token), []);
      if (runner.cgroupPath !== null) assert.ok(!existsSync(runner.cgroupPath), 'the cgroups are removed');
    });

    it('a guard ends with its runner in good order', async () => {
      await using runner = await startFixture({ mechanism });
      const { guardPid } = runner;
      runner.say('stop');
      const [code] = (await once(runner.child, 'exit')) as [number];
      assert.equal(code, 0);
      assert.ok(!isAlive(guardPid));
      await until(() => pidsWith(runner.token).length === 3, 'it killed nothing: the fixture leaves one worker behind');
    });
  });
}

describe(
  'workers die with their runner (as a user without rights)',
  { skip: platform !== 'linux' || getuid?.() !== 0 ? 'needs Linux and root' : false },
  () => {
    it('all are gone within a second of its kill -9', async () => {
      await using runner = await startFixture({ user: 65_534 });
      assert.equal(runner.mechanism, 'scan');
      runner.child.kill('SIGKILL');
      await exitOf(runner.child);
      await allGone(runner);
    });
  },
);

interface Fixture {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly token: string;
  readonly cgroupPath: string | null;
  readonly guardPid: number;
}

async function allGone({ token, cgroupPath, guardPid }: Fixture): Promise<void> {
  const tookMs = await until(() => pidsWith(token).length === 0, 'all workers are gone');
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  await until(() => !isAlive(guardPid), 'the guard ends too');
  if (cgroupPath !== null) assert.ok(!existsSync(cgroupPath), 'the cgroups are removed');
}

async function startFixture({
  mechanism,
  user,
}: {
  readonly mechanism?: 'cgroup' | 'scan' | undefined;
  readonly user?: number;
}) {
  const token = newToken();
  const runnerId = randomUUID();
  const asUser = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const [program, ...rest] = [...asUser, process.execPath, fixture, runnerId, token];
  const child = spawn(program, rest, {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    env: { PATH: process.env['PATH'], ...(mechanism === undefined ? {} : { CLOUDCODE_CONTAINMENT: mechanism }) },
  });
  const messages: Record<string, unknown>[] = [];
  createInterface(child.stdout).on('line', (line) => messages.push(JSON.parse(line) as Record<string, unknown>));
  const message = async (key: string): Promise<unknown> => {
    const index = (): number => messages.findIndex((each) => key in each);
    await until(() => index() !== -1, `the runner says ${key}`);
    return messages.splice(index(), 1)[0]?.[key];
  };
  await until(() => messages.some((each) => 'mechanism' in each), 'the runner is ready');
  const first = messages.shift();
  await until(() => pidsWith(token).length === allProcesses + 1, 'all processes of the workers, and the runner');
  return {
    child,
    pid: child.pid ?? 0,
    token,
    runnerId,
    mechanism: first?.['mechanism'],
    cgroupPath: (first?.['cgroupPath'] ?? null) as string | null,
    guardPid: Number(first?.['guard']),
    say: (text: string) => void child.stdin.write(`${text}\n`),
    message,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exitOf(child);
      child.stdin.destroy();
    },
  };
}

async function reasonToSkip(mechanism: 'cgroup' | 'scan'): Promise<string | false> {
  if (platform !== 'linux') return 'needs Linux';
  if (mechanism === 'scan') return false;
  await using fixtureWithout = await startFixture({}).catch(() => null);
  return fixtureWithout?.mechanism === 'cgroup' ? false : 'this machine gives no cgroup';
}
