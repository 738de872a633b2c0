import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Redis extends AsyncDisposable {
  /** Of its socket. */
  readonly path: string;
}

export const howToInstallRedis =
  'There is no redis-server, so BullMQ is left out. On Debian: apt-get install redis-server';

export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/**
 * A Redis with a folder of its own, behind a socket, as BullMQ's guide to production has it (append-only file, nothing evicted).
 * @param appendfsync `everysec`, which that guide calls enough for most: a crash may lose a second of jobs; `always` keeps what was confirmed, as PostgreSQL does
 */
export async function startRedis(appendfsync: 'everysec' | 'always'): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-bench-redis-'));
  const path = join(folder, 'redis.sock');
  const settings = [
    '--port',
    '0',
    '--unixsocket',
    path,
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    appendfsync,
    '--maxmemory-policy',
    'noeviction',
  ];
  const child = spawn('redis-server', settings, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const kill = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on('exit', kill);
  for (let tries = 0; !(await accepts(path)); tries += 1) {
    if (tries > 400 || child.exitCode !== null) throw new Error('redis-server did not start.');
    await sleep(25);
  }
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  return { path, [Symbol.asyncDispose]: stop };
}

/** Its socket is there a moment before it listens. */
async function accepts(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
