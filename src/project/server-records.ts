import { randomUUID } from 'node:crypto';
import { readFile, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from '../contents/write-whole.ts';
import { isAlive } from './shared-folder.ts';

/** A server that said it serves a project; whether it still does is for whoever reads it to ask. */
export interface ServerRecord {
  readonly url: string;
  readonly pid: number;
  readonly host: string;
  readonly startedAt: string;
}

function recordFolder(machineFolder: string): string {
  return join(machineFolder, 'servers');
}

/**
 * Notes in the folder of the machine's files that a server of this process listens, so that commands find it. Records of processes that are gone are removed.
 * @param onTrouble it could not be noted, as on a full disk: the server serves all the same
 * @returns removes the record
 */
export async function recordServer(
  machineFolder: string,
  url: string,
  onTrouble: (error: unknown) => void,
): Promise<() => Promise<void>> {
  const folder = recordFolder(machineFolder);
  const record: ServerRecord = { url, pid: process.pid, host: hostname(), startedAt: new Date().toISOString() };
  const path = join(folder, `${process.pid}-${randomUUID().slice(0, 8)}.json`);
  try {
    await readServerRecords(machineFolder);
    await writeWhole(path, JSON.stringify(record), { mode: 0o644 });
  } catch (error) {
    onTrouble(error);
  }
  return () => rm(path, { force: true });
}

/** The recorded servers, newest first. Those of processes of this machine that are gone are removed on the way. */
export async function readServerRecords(machineFolder: string): Promise<readonly ServerRecord[]> {
  const folder = recordFolder(machineFolder);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  const records = await Promise.all(names.map((name) => readRecord(join(folder, name))));
  return records.filter((record) => record !== null).sort((left, right) => (left.startedAt < right.startedAt ? 1 : -1));
}

async function readRecord(path: string): Promise<ServerRecord | null> {
  try {
    const { url, pid, host, startedAt } = JSON.parse(await readFile(path, 'utf8')) as Partial<ServerRecord>;
    if (typeof url !== 'string' || typeof pid !== 'number' || typeof host !== 'string' || typeof startedAt !== 'string')
      return null;
    if (host !== hostname() || isAlive(pid)) return { url, pid, host, startedAt };
    await rm(path, { force: true });
  } catch {
    // It went away meanwhile, or is not ours to read or remove.
  }
  return null;
}
