import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { isAlive, listPids, readStat } from '../../src/engine/runner/containment/proc-files.ts';
import { dataFolderOf, ensureData } from '../../src/engine/store/embedded/data-folder.ts';
import { environmentFor, findBinaries } from '../../src/engine/store/embedded/find-binaries.ts';
import { chooseRunAs, commandFor, giveTo } from '../../src/engine/store/embedded/run-as.ts';
import { until } from './until.ts';

const password = 'secret';

/** A PostgreSQL server with settings and data of its own, that a test may do everything to. */
export interface PostgresServer extends AsyncDisposable {
  /** By its socket. */
  readonly url: string;
  /** Its data, for the user it runs as. */
  readonly dataFolder: string;
  /** For a server that follows this one. */
  readonly connectionInfo: string;
  readonly pid: () => number;
  connect(): Socket;
  /** Resolves when it takes connections. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>;
  /** In order: all is written. */
  stop(): Promise<void>;
  /** Ends all its processes at once, as a failure of its machine would. */
  kill(): Promise<void>;
  /** Another server, with a copy of the data, that follows a primary from its first start on until it is promoted. Only while this one is stopped. */
  makeStandby(options?: Pick<PostgresServerOptions, 'port'>): PostgresServer;
  query(text: string): Promise<readonly Record<string, unknown>[]>;
}

export interface PostgresServerOptions {
  /** An empty folder; a new one unless given. */
  readonly folder?: string;
  readonly dataOfPrimary?: string;
  /** Listens on loopback as well, on a port of its own. */
  readonly port?: number;
}

export function makePostgresServer({
  folder = mkdtempSync(join(tmpdir(), 'cloudcode-test-pg-')),
  dataOfPrimary,
  port,
}: PostgresServerOptions = {}): PostgresServer {
  const socketPort = port ?? 5432;
  // For the user that the server runs as.
  chmodSync(folder, 0o755);
  const dataFolder = dataFolderOf(folder);
  const socketFolder = join(folder, 'socket');
  const libraries = join(folder, 'lib');
  mkdirSync(libraries);
  const binaries = findBinaries(libraries);
  const runAs = chooseRunAs(libraries, dataFolder, binaries);
  if (dataOfPrimary === undefined) ensureData({ folder, runAs, binaries, password });
  else copyData(dataOfPrimary, dataFolder);
  giveTo(runAs, dataFolder);
  mkdirSync(socketFolder);
  giveTo(runAs, socketFolder);
  const url = `postgres://cloudcode:${password}@/postgres?host=${encodeURIComponent(socketFolder)}&port=${socketPort}`;
  let child: ChildProcess | null = null;

  const query: PostgresServer['query'] = async (text) => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const pid = (): number => child?.pid ?? 0;
  const end = async (how: () => void): Promise<void> => {
    const ending = child;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    ending.ref();
    const exited = once(ending, 'exit');
    how();
    await exited;
  };
  const kill = async (): Promise<void> => {
    if (child === null) return;
    const family = [pid(), ...childrenOf(pid())];
    await end(() => family.forEach(killProcess));
    await until(10_000, 'all its processes are gone', () =>
      family.some((each) => isAlive(readStat(each))) ? null : true,
    );
  };
  return {
    url,
    dataFolder,
    connectionInfo: `host=${socketFolder} port=${socketPort} user=cloudcode password=${password}`,
    pid,
    query,
    kill,
    connect: () => connect(join(socketFolder, `.s.PGSQL.${socketPort}`)),
    async start(settings = {}) {
      const { file, args, ...user } = commandFor(runAs, binaries, 'postgres');
      const all = {
        listen_addresses: port === undefined ? '' : '127.0.0.1',
        unix_socket_directories: socketFolder,
        port: String(socketPort),
        shared_buffers: '32MB',
        ...settings,
      };
      const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      child = spawn(file, [...args, '-D', dataFolder, ...options], {
        cwd: '/',
        env: environmentFor(binaries),
        stdio: ['ignore', 'ignore', 'pipe'],
        ...user,
      });
      let log = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)));
      const started = child;
      // A test that failed before it came to stop its server does not wait for it.
      child.unref();
      (child.stderr as Socket | null)?.unref();
      await until(30_000, 'the server takes connections', () => {
        if (started.exitCode !== null) throw new Error(`the server ended: ${log}`);
        return query('select 1').then(
          () => true,
          () => null,
        );
      });
    },
    stop: () => end(() => process.kill(pid(), 'SIGINT')),
    makeStandby: (options = {}) => makePostgresServer({ ...options, dataOfPrimary: dataFolder }),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function copyData(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  chmodSync(to, 0o700);
  writeFileSync(join(to, 'standby.signal'), '');
}

function childrenOf(parent: number): number[] {
  return listPids().filter((pid) => readStat(pid)?.ppid === parent);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
