import { openInspector } from './inspector-session.ts';
import type { InspectorSession } from './inspector-session.ts';

interface SampleStack {
  readonly pid: number;
  /** Calls the listener with the text of the process's standard error as it comes; its answer ends that. */
  readonly onStderr: (listener: (text: string) => void) => () => void;
  readonly timeoutMs: number;
}

interface CallFrame {
  readonly functionName?: unknown;
  readonly url?: unknown;
  readonly location?: { readonly lineNumber?: unknown; readonly columnNumber?: unknown };
}

const framesAtMost = 50;
/** JavaScript that runs is stopped within a few milliseconds, or not at all (it is in native code). */
const pauseWithinMs = 200;

/**
 * What a worker is doing: the lines of a stack, `    at name (url:line:column)` from the innermost outwards, or one sentence when no JavaScript is running. Null when
 * it does not tell in time: it sits in native code, or its task has taken over SIGUSR1. Never throws, and is over after `timeoutMs`.
 *
 * SIGUSR1 makes Node open its inspector, from a thread of its own, so that a busy loop does not prevent it; the process must have been started with `--inspect-port=127.0.0.1:0` (a
 * free port). Anyone who can open that port and knows its path, a random UUID, could run code in the worker: it is on loopback only, for the milliseconds
 * before the worker is killed, and the path is seen by nobody but the reader of its standard error. The task itself could print another address there: it would
 * win a made-up stack in its own record, and a connection to loopback that it can make itself; so the answer is taken as mere text and bounded.
 */
export async function sampleStack({ pid, onStderr, timeoutMs }: SampleStack): Promise<string | null> {
  const signal = AbortSignal.timeout(timeoutMs);
  let session: InspectorSession | null = null;
  try {
    session = await openInspector(await inspectorAddress({ pid, onStderr, signal }), signal);
    await session.send('Debugger.enable');
    const paused = session.event('Debugger.paused', Math.min(pauseWithinMs, timeoutMs / 2));
    await session.send('Debugger.pause');
    const event = (await paused) as { callFrames?: readonly CallFrame[] } | null;
    if (event !== null) return describeFrames(event.callFrames ?? []);
    // Otherwise the expression itself would be paused.
    await session.send('Debugger.disable');
    const answer = await session.send('Runtime.evaluate', { expression: 'process.getActiveResourcesInfo().join()', returnByValue: true });
    return describeWaiting((answer as { result?: { value?: unknown } } | null)?.result?.value);
  } catch {
    return null;
  } finally {
    session?.close();
  }
}

/** Whether a line of standard error is one that Node's inspector wrote because of `sampleStack`, and not the task. */
export function isInspectorNotice(line: string): boolean {
  return /^(?:Debugger (?:listening|ending) on ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}|For help, see: https:\/\/nodejs\.org\/\S*(?:inspector|debugging)\S*|Debugger attached\.|Waiting for the debugger to disconnect\.\.\.)\s*$/.test(line);
}

async function inspectorAddress({ pid, onStderr, signal }: { readonly pid: number; readonly onStderr: SampleStack['onStderr']; readonly signal: AbortSignal }): Promise<string> {
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

function describeFrames(frames: readonly CallFrame[]): string | null {
  if (frames.length === 0) return null;
  const lines = frames.slice(0, framesAtMost).map(({ functionName, url, location }) => {
    const name = short(functionName) || '<anonymous>';
    return `    at ${name} (${short(url) || '<anonymous>'}:${Number(location?.lineNumber) + 1}:${Number(location?.columnNumber) + 1})`;
  });
  if (frames.length > framesAtMost) lines.push(`    … and ${frames.length - framesAtMost} more`);
  return lines.join('\n');
}

function describeWaiting(resources: unknown): string | null {
  if (typeof resources !== 'string') return null;
  // Its own pipes: every worker has them, and they keep none waiting.
  const names = [...new Set(resources.split(','))].filter((name) => name !== '' && name !== 'PipeWrap' && name !== 'TTYWrap').map(short);
  if (names.length === 0) return 'No JavaScript was running, and nothing that the task had begun was left to wait for.';
  return `No JavaScript was running: the task was waiting for ${names.slice(0, 20).join(', ')}.`;
}

function short(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 500).replaceAll(/[\r\n]/g, ' ') : '';
}
