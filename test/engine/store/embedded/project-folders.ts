import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geteuid } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { isAlive, readStat } from '../../../../src/engine/runner/containment/proc-files.ts';
import { until } from '../../../support/runtime.ts';

// Folders of projects, one for each test, and processes that hold the servers in them.

export const script = fileURLToPath(new URL('../../../fixtures/embedded/main.ts', import.meta.url));
export const root = mkdtempSync(join(tmpdir(), 'cloudcode-embedded-'));
// nobody must be able to come in for the tests as another user
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
export const isRoot = geteuid?.() === 0;

export interface Started {
  readonly url?: string;
  readonly pid?: number;
  readonly startedHere?: boolean;
  readonly code?: string;
  readonly message?: string;
}

export function newFolder(name = `project ${++folders} é`): string {
  const folder = join(root, name, '.cloudcode');
  mkdirSync(join(root, name), { recursive: true });
  return folder;
}

type Holder = ChildProcessByStdio<Writable, Readable, null>;

export async function hold(folder: string, mode = 'hold'): Promise<{ child: Holder; started: Started }> {
  const child = spawn(process.execPath, [script, folder, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(60_000, 'it started', () => (text.includes('\n') || child.exitCode !== null ? true : null));
  return { child, started: JSON.parse(text) as Started };
}

export async function letGo(child: Holder): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin.end();
  await exited;
}

export async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ answer: unknown }>(text);
  await client.end();
  return rows[0]?.answer;
}

export const isGone = (pid: number): boolean => !isAlive(readStat(pid));
