import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const lookMs = 300;
/** Processors that others keep busy before a turn; above it the figure is marked. */
export const noisyAbove = 0.3;

let loads: number[] = [];

/** Called before a turn: notes how many processors are busy with something else. */
export async function noteForeignLoad(): Promise<void> {
  const before = processorTimes();
  await sleep(lookMs);
  const after = processorTimes();
  loads.push((cpus().length * (after.busy - before.busy)) / Math.max(1, after.all - before.all));
}

/** What was noted since the last call. */
export function takeForeignLoads(): readonly number[] {
  const taken = loads;
  loads = [];
  return taken;
}

function processorTimes(): { readonly busy: number; readonly all: number } {
  const sum = (times: readonly number[]): number => times.reduce((total, time) => total + time, 0);
  const each = cpus().map(({ times }) => times);
  const idle = sum(each.map((times) => times.idle));
  const all = sum(each.map((times) => sum(Object.values(times))));
  return { busy: all - idle, all };
}
