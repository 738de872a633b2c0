import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../src/engine/core/run.ts';
import { packageRoot } from '../src/package-root.ts';
import { readProcessTree } from './process-tree.ts';

/** CloudCode as a user starts it, on a project of its own that is gone afterwards. */
export interface System extends AsyncDisposable {
  /** The server's process and the embedded PostgreSQL's, which may be no child of it. */
  readonly roots: () => readonly number[];
  readonly folder: string;
  readonly request: (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;
  /** Whatever the answer: it is read and thrown away. @returns its status */
  readonly send: (
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<number>;
}

export interface SystemSettings {
  readonly command?: 'start' | 'dev';
  readonly concurrency?: number;
  /** A store to work on, instead of an embedded one of its own. */
  readonly databaseUrl?: string | undefined;
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** @param files the source of each task's index.ts by the task's name, and other files by theirs */
export async function startSystem(files: Readonly<Record<string, string>>, settings: SystemSettings): Promise<System> {
  const { command = 'start', concurrency, databaseUrl, nodeFlags = [] } = settings;
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-bench-'));
  for (const [name, source] of Object.entries(files)) {
    const path = join(folder, name.includes('.') ? name : `cloudcode/${name}/index.ts`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, source);
  }
  const args = [
    command,
    '--project',
    folder,
    '--port',
    '0',
    ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
  ];
  const env = {
    ...process.env,
    ...settings.env,
    ...(databaseUrl === undefined ? {} : { CLOUDCODE_DATABASE_URL: databaseUrl }),
  };
  const child = spawn(process.execPath, [...nodeFlags, join(packageRoot, 'bin/cloudcode.cjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const roots = (): readonly number[] => [...(child.pid === undefined ? [] : [child.pid]), ...databasePids(folder)];
  const interrupted = (): void => {
    for (const { pid } of readProcessTree(roots())) killIfAlive(pid);
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  };
  const stop = async (): Promise<void> => {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await stopAll(child, roots());
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  try {
    const base = `${await serverAddress(child)}/api/v1/environments/testing`;
    return {
      roots,
      folder,
      [Symbol.asyncDispose]: stop,
      request: async (method, path, body) => request(method, base + path, body),
      send: async (method, path, body, headers = {}) => {
        const response = await fetch(base + path, {
          method,
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          ...(body === undefined ? {} : { body }),
        });
        for await (const _piece of response.body ?? []);
        return response.status;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Schedules through the HTTP API, a few at a time. */
export async function scheduleMany(system: System, bodies: readonly object[]): Promise<void> {
  const waiting = [...bodies];
  const lane = async (): Promise<void> => {
    for (let body = waiting.pop(); body !== undefined; body = waiting.pop())
      await system.request('POST', '/runs', body);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

/** Waits until no run of the task is left to do; asks seldom, because asking costs the machine being measured. */
export async function whenAllDone(system: System, task: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (const state of ['scheduled', 'queued', 'running'] as const) {
    while ((await listRuns(system, `task=${task}&state=${state}`, 1)).length > 0) {
      if (performance.now() > deadline) throw new Error(`Runs of ${task} are still ${state} after ${timeoutMs} ms.`);
      await sleep(500);
    }
  }
}

/** Newest first. */
export async function listRuns(system: System, filter: string, count: number): Promise<readonly Run[]> {
  const runs: Run[] = [];
  let cursor: string | null = '';
  while (cursor !== null && runs.length < count) {
    const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/runs?${filter}&limit=${Math.min(100, count - runs.length)}${from}`;
    const page = (await system.request('GET', path)) as {
      readonly runs: readonly Run[];
      readonly nextCursor: string | null;
    };
    runs.push(...page.runs);
    cursor = page.nextCursor;
  }
  return runs;
}

async function request(method: string, url: string, body: object | undefined): Promise<unknown> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, { method, ...init, signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** The address in what the server prints. */
async function serverAddress(child: ChildProcess): Promise<string> {
  let printed = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const listen = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-20_000);
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
    if (address !== undefined) resolve(address);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  child.once('exit', (status) =>
    reject(new Error(`cloudcode start ended with status ${status ?? 'none'}:\n${printed}`)),
  );
  const timer = setTimeout(
    () => reject(new Error(`cloudcode start printed no address within 60 s:\n${printed}`)),
    60_000,
  );
  try {
    const address = await promise;
    await whenReady(address);
    return address;
  } finally {
    clearTimeout(timer);
  }
}

async function whenReady(address: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const isReady = await fetch(`${address}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await sleep(100);
  }
  throw new Error(`${address}/ready did not answer 200 within 30 s.`);
}

function databasePids(folder: string): readonly number[] {
  return globSync('.cloudcode/**/postmaster.pid', { cwd: folder }).map((file) =>
    Number(readFileSync(join(folder, file), 'utf8').split('\n', 1)[0]),
  );
}

async function stopAll(child: ChildProcess, roots: readonly number[]): Promise<void> {
  const left = readProcessTree(roots).map(({ pid }) => pid);
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await Promise.race([once(child, 'exit'), sleep(30_000, undefined, { ref: false })]);
  }
  child.kill('SIGKILL');
  // A server that stopped as promised leaves nobody; one that did not must not disturb the next measurement.
  const stillThere = new Set(readProcessTree(left).map(({ pid }) => pid));
  for (const pid of left) if (stillThere.has(pid)) killIfAlive(pid);
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended in between
  }
}
