// Loaded into the runners of a campaign before anything else (node --require). Neither their workers nor their guards have it.
import { appendFileSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';

// A pipe of which only the campaign holds the other end: a campaign that is killed takes its runners with it.
const tether = new Socket({ fd: 3, readable: true, writable: false });
tether.on('error', () => undefined);
tether.on('close', () => process.kill(process.pid, 'SIGKILL'));
tether.resume();
tether.unref();

// The wall clock of this process is off by as many milliseconds as the file says, from one look to the next.
const file = process.env['CLOUDCODE_CHAOS_CLOCK'] ?? '';
const lookMs = 100;
let offsetMs = 0;
const RealDate = Date;
const realNow = Date.now;
const now = (): number => realNow() + offsetMs;
RealDate.now = now;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given: unknown[], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
});
setInterval(() => (offsetMs = readOffset()), lookMs).unref();

// The longest turn of the event loop, by the processor time of its thread: what a fault stops, or others keep waiting, does not count. Node has it from 23.9 on.
const turnMs = 10;
const used = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
if ('threadCpuUsage' in process) {
  let [last, longest] = [used(), turnMs];
  setInterval(() => {
    const before = last;
    last = used();
    if (last - before <= longest) return;
    longest = last - before;
    appendFileSync(`${file}.turns`, `${Math.round(longest)}\n`);
  }, turnMs).unref();
}

function readOffset(): number {
  try {
    return Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    return 0;
  }
}
