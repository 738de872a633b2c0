import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { DBObject, ScheduleTiming } from 'cloudcode';

// What the tasks of a campaign see, a line each, in the order in which it happened. All processes of the machine append to one file.

let place: Server | null = null;
const aliveEveryMs = 250;

function say(kind: string, more: object = {}): void {
  const { id: run, task, attempt, fence, queue } = CloudCode.run;
  appendFileSync(
    'witness.jsonl',
    `${JSON.stringify({ kind, run, task, attempt, fence, queue, pid: process.pid, at: bootTimeMs(), ...more })}\n`,
  );
}

/** Linux only, as campaigns are: the clock that the leases go by. */
function bootTimeMs(): number {
  const text = readFileSync('/proc/uptime', 'latin1');
  return Number(text.slice(0, text.indexOf(' ')).replace('.', '')) * 10;
}

/**
 * The first thing that an attempt does. It takes the place of its queue, or of its run when it is in none: an abstract socket, which the kernel gives to one process at a time
 * and takes back when the last process that holds it is gone. Whoever finds it taken is at work beside another.
 */
export async function begin(): Promise<void> {
  const { queue, id } = CloudCode.run;
  const isAlone = await takePlace(queue === null ? `run ${id}` : `queue ${queue}`);
  say(isAlone ? 'began' : 'overlap');
  // The judge can tell then until when it was at work, however it ends.
  setInterval(() => say('alive'), aliveEveryMs).unref();
}

export function end(): void {
  say('ended');
}

/** Its answer has been on its way for so long when it says so. */
const answeredForMs = 600;

/** Its process takes a while to end when it has answered. */
export function linger(ms: number): void {
  process.once('exit', () => {
    sleep(answeredForMs);
    say('answered', { forMs: answeredForMs });
    sleep(ms - answeredForMs);
  });
}

/** Nothing is waited for any more in an `exit` listener. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function takePlace(of: string): Promise<boolean> {
  const server = createServer();
  const name = createHash('sha256').update(`${process.cwd()}\0${of}`).digest('hex').slice(0, 32);
  const isTaken = await new Promise<boolean>((resolve, reject) => {
    server.once('listening', () => resolve(false));
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    );
    server.listen({ path: `\0cloudcode-chaos-${name}` });
  });
  if (isTaken) return false;
  place = server;
  return true;
}

/** Starts a process that outlives this one and holds the queue's place as well. */
export function breed(seconds: number): void {
  const held = place === null ? [] : [place as unknown as 'pipe'];
  const child: ChildProcess = spawn('sleep', [String(seconds)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', ...held],
  });
  child.unref();
}

export interface Work {
  /** The fence of the attempt that scheduled it, unless the campaign did. */
  readonly by?: string;
  readonly sleepMs?: number;
  readonly busyMs?: number;
  readonly writes?: boolean;
  readonly logs?: number;
  readonly throws?: boolean;
  /** How long its process lives on when it has answered. */
  readonly lingersMs?: number;
}

export async function doWork({ sleepMs = 0, busyMs = 0, writes = false, logs = 0 }: Work): Promise<void> {
  const count = writes ? await readCount() : null;
  for (let line = 1; line <= logs; line += 1) {
    console.log(`line ${line} of ${logs}`);
    await delay(sleepMs / logs);
  }
  if (logs === 0 && sleepMs > 0) await delay(sleepMs);
  for (const until = performance.now() + busyMs; performance.now() < until;);
  if (!writes) return;
  await witnessed(() => write(count));
  await witnessed(addFence);
}

/** The campaign makes it before it begins. */
const counterId = '00000000-0000-7000-8000-000000000001';

/** Whoever counts lost or doubled additions knows by the fence which. */
async function addFence(): Promise<void> {
  await DB.counter.increment(counterId, { fences: Number(CloudCode.run.fence) });
  say('added');
}

type Count = DBObject<'tally'>;

/** How many objects the attempts of a queue have written; null without a queue. */
async function readCount(): Promise<Count | null> {
  const { queue } = CloudCode.run;
  return queue === null ? null : ((await DB.tally.first('queue = ?', queue)) ?? DB.tally.create({ queue, marks: 0 }));
}

/**
 * One object for each attempt, and one more in the count of its queue, which was read when the attempt began: runs of a queue that never overlap lose no count. It is one call, so that
 * a runner that was stopped finds it complete when it goes on and its attempt has ended.
 */
async function write(count: Count | null): Promise<void> {
  const { id: run, fence, attempt, queue } = CloudCode.run;
  const batch = new DB.Batch();
  const mark = DB.mark.create({ run, fence, attempt, queue });
  batch.save(mark);
  if (count !== null) {
    count.marks = (count.marks ?? 0) + 1;
    batch.save(count);
  }
  await batch.execute();
  say('wrote', { mark: mark.id });
}

type Further = ScheduleTiming & {
  readonly task: 'step' | 'chain';
  readonly parameters: Work & { readonly links?: number };
};

/** By a statement of its own, which goes to the database at once: nothing holds a superseded attempt's back but its fence. */
export async function scheduleWitnessed(further: Further): Promise<void> {
  await witnessed(async () => {
    const { id } = await CloudCode.scheduleTask(signed(further));
    say('scheduled', { ids: [id] });
  });
}

/** In a batch, which is rolled back when its worker is seen to be gone. */
export async function scheduleAllWitnessed(list: readonly Further[]): Promise<void> {
  await witnessed(async () => {
    const scheduled = await CloudCode.scheduleTasks(list.map(signed));
    say('scheduled', { ids: scheduled.map(({ id }) => id) });
  });
}

/** Each run bears the fence of the attempt that scheduled it. */
function signed(further: Further) {
  return { ...further, parameters: { links: 0, ...further.parameters, by: CloudCode.run.fence } };
}

/** A refusal is what a superseded attempt is to get. It is written down, and thrown on. */
async function witnessed(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (error) {
    say('refused', { code: (error as { code?: string }).code ?? String(error) });
    throw error;
  }
}
