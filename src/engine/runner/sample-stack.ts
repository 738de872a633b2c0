import { openInspector } from './inspector-session.ts';
import type { InspectorSession } from './inspector-session.ts';
import { startProcessorTimeout } from './processor-timeout.ts';

interface SampleStack {
  readonly pid: number;
  /** Calls the listener with the text of the process's standard error as it comes; its answer ends that. */
  readonly onStderr: (listener: (text: string) => void) => () => void;
  /** What it and this process wait for a processor does not count. */
  readonly timeoutMs: number;
  /** That counts. */
  readonly maxMs: number;
}

interface CallFrame {
  readonly callFrameId?: unknown;
  readonly functionName?: unknown;
  readonly location?: { readonly scriptId?: unknown; readonly lineNumber?: unknown; readonly columnNumber?: unknown };
}

/** What the inspector answers to an expression. */
type Evaluated = { readonly result?: { readonly value?: unknown } } | null;

const maxFrames = 50;
/** JavaScript that runs is mostly stopped within a few milliseconds, or not at all (it is in native code). */
const pauseWithinMs = 200;
const evaluateWithinMs = 150;

/**
 * What a worker is doing: the lines of a stack, `    at name (url:line:column)` from the innermost outwards, or one sentence when no JavaScript is running. Null when
 * it does not tell in time: it sits in native code, or its task has taken over SIGUSR1. Never throws, and is over after `timeoutMs`, or on a
 * machine so busy that the worker hardly gets to run, `maxMs`: that is where time-outs are likely.
 *
 * SIGUSR1 makes Node open its inspector, from a thread of its own, so that a busy loop does not prevent it; the process must have been started with `--inspect-port=127.0.0.1:0` (a
 * free port). Anyone who can open that port and knows its path, a random UUID, could run code in the worker: it is on loopback only, for the milliseconds
 * before the worker is killed, and the path is seen by nobody but the reader of its standard error. The task itself could print another address there: it would
 * win a made-up stack in its own record, and a connection to loopback that it can make itself; so the answer is taken as mere text and bounded.
 */
export async function sampleStack({ pid, onStderr, timeoutMs, maxMs }: SampleStack): Promise<string | null> {
  const timeout = new AbortController();
  const stopTimeout = startProcessorTimeout({ pid, timeoutMs, maxMs }, () => timeout.abort());
  const { signal } = timeout;
  let session: InspectorSession | null = null;
  try {
    session = await openInspector(await inspectorAddress({ pid, onStderr, signal }), signal);
    return (await stackOf(session, Math.min(pauseWithinMs, timeoutMs / 2))) ?? (await stackOrWaitingOf(session));
  } catch {
    return null;
  } finally {
    stopTimeout();
    session?.close();
  }
}

/** Whether a line of standard error is one that Node's inspector wrote because of `sampleStack`, and not the task. */
export function isInspectorNotice(line: string): boolean {
  const [, help] = /^For help, see: https:\/\/nodejs\.org\/(\S+)$/.exec(line.trimEnd()) ?? [];
  if (help !== undefined) return /inspector|debugging/.test(help);
  return /^(?:Debugger (?:listening|ending) on ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}|Debugger attached\.|Waiting for the debugger to disconnect\.\.\.)$/.test(
    line.trimEnd(),
  );
}

async function inspectorAddress({
  pid,
  onStderr,
  signal,
}: {
  readonly pid: number;
  readonly onStderr: SampleStack['onStderr'];
  readonly signal: AbortSignal;
}): Promise<string> {
  const found = Promise.withResolvers<string>();
  let text = '';
  const unsubscribe = onStderr((piece) => {
    text = (text + piece).slice(-2_000);
    const address = /Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36})\s/.exec(text)?.[1];
    if (address !== undefined) found.resolve(address);
  });
  const onAbort = (): void => found.reject(new Error('the worker opened no inspector in time'));
  signal.addEventListener('abort', onAbort);
  try {
    process.kill(pid, 'SIGUSR1');
    return await found.promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    unsubscribe();
  }
}

/** Null when no JavaScript runs. */
async function stackOf(session: InspectorSession, pauseMs: number): Promise<string | null> {
  const scripts = new Map<unknown, unknown>();
  session.on('Debugger.scriptParsed', (script) => {
    const { scriptId, url } = script as { scriptId?: unknown; url?: unknown };
    scripts.set(scriptId, url);
  });
  const paused = Promise.withResolvers<readonly CallFrame[] | null>();
  session.on('Debugger.paused', (event) =>
    paused.resolve((event as { callFrames?: readonly CallFrame[] }).callFrames ?? null),
  );
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
  const timer = setTimeout(() => paused.resolve(null), pauseMs);
  const frames = await paused.promise;
  clearTimeout(timer);
  if (frames === null) return null;
  return (await ownStack(session, frames[0])) ?? rawStack(frames, scripts);
}

const stackInWords = `globalThis.Error.stackTraceLimit = ${maxFrames + 2}, new globalThis.Error().stack`;

/** The stack as the worker itself writes it, with the source map applied: the user's own files and lines. Null when it cannot, because the task has changed `Error`, say. */
async function ownStack(session: InspectorSession, top: CallFrame | undefined): Promise<string | null> {
  const evaluation = session.send('Debugger.evaluateOnCallFrame', {
    callFrameId: top?.callFrameId,
    expression: stackInWords,
    returnByValue: true,
    silent: true,
    timeout: evaluateWithinMs,
  });
  const answer = (await evaluation.catch(() => null)) as Evaluated;
  return linesOf(answer?.result?.value, 1);
}

/** The lines of a stack without its title and the innermost frames, which are of what has asked for it. */
function linesOf(stack: unknown, own: number): string | null {
  if (typeof stack !== 'string') return null;
  const lines = stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(own, own + maxFrames);
  return lines.length === 0 ? null : lines.map((line) => short(line)).join('\n');
}

function rawStack(frames: readonly CallFrame[], scripts: ReadonlyMap<unknown, unknown>): string {
  const lines = frames.slice(0, maxFrames).map(({ functionName, location }) => {
    const place = `${short(scripts.get(location?.scriptId)) || '<anonymous>'}:${Number(location?.lineNumber) + 1}:${Number(location?.columnNumber) + 1}`;
    return `    at ${short(functionName) || '<anonymous>'} (${place})`;
  });
  return lines.join('\n');
}

/** One sentence; but where the worker hardly gets to run it may not have paused in time, and answers from within what it is at, which its stack tells then. */
async function stackOrWaitingOf(session: InspectorSession): Promise<string | null> {
  // Otherwise the pause that is still asked for would stop the expression itself.
  await session.send('Debugger.disable');
  const answer = (await session.send('Runtime.evaluate', {
    expression: `(() => { let stack = null; try { stack = (${stackInWords}); } catch {} return [stack, process.getActiveResourcesInfo().join()]; })()`,
    returnByValue: true,
  })) as Evaluated;
  const [stack, resources] = Array.isArray(answer?.result?.value) ? (answer.result.value as readonly unknown[]) : [];
  return linesOf(stack, 2) ?? describeWaiting(resources);
}

function describeWaiting(resources: unknown): string | null {
  if (typeof resources !== 'string') return null;
  // Its own pipes: every worker has them, and they keep none waiting.
  const names = [...new Set(resources.split(','))]
    .filter((name) => name !== '' && name !== 'PipeWrap' && name !== 'TTYWrap')
    .map(short);
  if (names.length === 0) return 'No JavaScript was running, and nothing that the task had begun was left to wait for.';
  return `No JavaScript was running: the task was waiting for ${names.slice(0, 20).join(', ')}.`;
}

function short(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 500).replaceAll(/[\r\n]/g, ' ') : '';
}
