import { printLine, sendRest } from './capture-output.ts';
import { isReading } from './channel.ts';
import { errorRecord } from './error-record.ts';

/** How long a worker that has answered waits for what is on its way out. A little later the runner ends it. */
const waitMs = 1_500;
const lookMs = 1;

// Taken before the task runs: libraries that watch for the end of the process put their own in the place of these two.
const { emit, reallyExit } = process;
const activeResources = process.getActiveResourcesInfo.bind(process);

/** Work that ends by itself: files that are read and written, and bytes that streams have handed over. */
const isOnItsWay = (name: string): boolean =>
  /^(?:FSReq|FileHandleCloseReq|WriteWrap|ShutdownWrap|.*SendWrap)/.test(name);

let ownListeners = 0;

/** To be called when our own listeners are there, and no other. */
export function countOwnListeners(): void {
  ownListeners = countListeners();
}

function countListeners(): number {
  return process.listenerCount('exit') + process.listenerCount('beforeExit');
}

/** Whether ending in order differs from ending at once: somebody listens for the end, or something is being written. */
export function endsInOrder(): boolean {
  return (
    countListeners() > ownListeners ||
    process.emit !== emit ||
    process.reallyExit !== reallyExit ||
    isAnythingOnItsWay()
  );
}

/**
 * Ends as Node ends by itself, for a while: what is being written is written, `beforeExit` is told when nothing else keeps the process alive, then `exit`. Servers, sockets and timers are not waited for.
 * @param leave ends the process at once
 */
export async function endInOrder(leave: () => never): Promise<never> {
  const until = performance.now() + waitMs;
  // What a stream does next begins in the turn after.
  await quiet(until, () => !isAnythingOnItsWay());
  while (resources().length === 0 && performance.now() < until) {
    tellListeners(() => process.emit('beforeExit', codeOf(process.exitCode)));
    if (await isIdle()) break;
    await quiet(until, () => resources().length === 0);
  }
  // As Node has it: an `exit` listener that calls `process.exit()` is not called again.
  (process as { _exiting?: boolean })._exiting = true;
  tellListeners(() => process.emit('exit', codeOf(process.exitCode)));
  sendRest();
  return leave();
}

/** Resolves when `isQuiet` has held for two turns, or the time has passed. */
async function quiet(until: number, isQuiet: () => boolean): Promise<void> {
  for (let turns = 0; turns < 2 && performance.now() < until; turns = isQuiet() ? turns + 1 : 0)
    await new Promise((resolve) => setTimeout(resolve, lookMs));
}

async function isIdle(): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return resources().length === 0;
}

function isAnythingOnItsWay(): boolean {
  return resources().some(isOnItsWay);
}

/** What keeps the process alive, but for our own read of replies. */
function resources(): readonly string[] {
  const active = activeResources();
  const own = isReading() ? active.indexOf('FSReqCallback') : -1;
  return own === -1 ? active : active.toSpliced(own, 1);
}

/** What a listener throws is shown, and keeps nothing from its end. */
function tellListeners(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    const { stack, name, message } = errorRecord(error);
    printLine('error', stack ?? `${name}: ${message}`);
  }
}

function codeOf(code: NodeJS.Process['exitCode']): number {
  return typeof code === 'number' ? code : Number(code ?? 0) || 0;
}
