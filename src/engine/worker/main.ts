import type { ErrorRecord } from '../core/errors.ts';
import { maxJsonBytes } from '../core/parameters-json.ts';
import { toJson } from '../core/to-json.ts';
import type { StoppingMessage } from '../protocol/from-worker.ts';
import type { StartMessage } from '../protocol/to-worker.ts';
import { captureOutput, sendRest } from './capture-output.ts';
import { readFrameBlocking, refuseCalls, send } from './channel.ts';
import { hasUnkeptCode, keepCompiledCode } from './compiled-code.ts';
import { countOwnListeners, endInOrder, endsInOrder } from './end-in-order.ts';
import { errorRecord } from './error-record.ts';
import { BundleGone, loadTask } from './load-task.ts';
import { mapStacks } from './map-stack.ts';
import { ownPeakBytes } from './own-memory.ts';
import { loadFromPacks } from './packages/load-packages.ts';
import { warmUp } from './warm-up.ts';
import { isRefusal } from './refusals.ts';
import { callsSettled, pendingCallsSettled, setTaskGlobals } from './task-globals.ts';

/** A run that is finished has answered, or has said why it ends without an answer. */
let state: 'waiting' | 'running' | 'over' = 'waiting';

interface Answer {
  readonly outcome: 'returned' | 'threw';
  readonly value: unknown;
}

/** How the run has ended: what is left to do is to let its calls be carried out, and to say so. */
let answer: Answer | null = null;
/** Ends the process. */
let leave: () => never = () => process.exit();

/** Does what is the same for every run. */
export function prepare(): void {
  captureOutput();
  reportStops();
  countOwnListeners();
  loadFromPacks();
  warmUp();
}

/**
 * Waits for the runner to send a run, and executes it. The process is used for nothing else.
 * @param leaveProcess ends it when it has answered: what the task left behind is ended by the runner
 */
export function waitForRun(leaveProcess: () => never): void {
  leave = leaveProcess;
  send({ type: 'waiting' });
  const start = readFrameBlocking();
  const parameters = start === null ? null : readFrameBlocking();
  if (start === null || parameters === null) return leave();
  state = 'running';
  void execute(JSON.parse(start) as StartMessage, parameters);
}

async function execute(start: StartMessage, parametersJson: string): Promise<void> {
  Object.assign(process.env, start.variables);
  enterFolder(start);
  mapStacks(start.bundle);
  setTaskGlobals(start, globalThis);
  try {
    const run = await loadTask(start);
    const value = start.loadOnly === true ? null : await run(JSON.parse(parametersJson));
    answer ??= { outcome: 'returned', value };
  } catch (error) {
    if (error instanceof BundleGone) {
      stopWith('bundle_gone', errorRecord(error), false);
      return leave();
    }
    answer ??= { outcome: 'threw', value: error };
  }
  await pendingCallsSettled();
  sendAnswer(answer);
}

/** A refusal of `scheduleTask` that nobody handled counts as thrown by `run`, though that may go on: it is the caller's mistake, and another attempt would make it again. */
async function endWithRefusal(error: unknown): Promise<void> {
  const isRunOver = answer !== null;
  if (answer?.outcome !== 'threw') answer = { outcome: 'threw', value: error };
  if (isRunOver) return;
  await callsSettled();
  sendAnswer(answer);
}

/** Without effect when the process is on its way out already, and has said so. */
function sendAnswer({ outcome, value }: Answer): void {
  const result = outcome === 'returned' ? resultOf(value) : { json: null, error: errorRecord(value) };
  if (state === 'over') return;
  state = 'over';
  sendRest();
  // A run that threw may have left early, and little of the bundle is compiled then.
  const keepsCode = outcome === 'returned' && hasUnkeptCode();
  refuseCalls();
  const isOrderly = endsInOrder();
  send({
    type: 'answer',
    outcome,
    resultJson: result.json,
    error: result.error,
    peakMemoryBytes: ownPeakBytes(),
    keepsCode,
    endsInOrder: isOrderly,
  });
  if (keepsCode) keepCompiledCode();
  if (isOrderly) void endInOrder(leave);
  else leave();
}

function resultOf(value: unknown): { readonly json: string | null; readonly error: ErrorRecord | null } {
  try {
    const json = toJson(value);
    if (json === undefined)
      return value === undefined ? { json: null, error: null } : unusable(`a ${typeof value} has no JSON`);
    const bytes = Buffer.byteLength(json);
    if (bytes > maxJsonBytes) return unusable(`it is ${bytes} bytes as JSON; at most ${maxJsonBytes} (5 MB) are kept`);
    return { json, error: null };
  } catch (error) {
    return unusable(errorRecord(error).message.split('\n')[0] ?? 'it cannot be converted');
  }
}

function unusable(why: string): { readonly json: null; readonly error: ErrorRecord } {
  return {
    json: null,
    error: { name: 'ResultNotStored', message: `The returned value was not stored: ${why}.`, stack: null },
  };
}

/** Says why the process ends, when it ends without an answer. */
function reportStops(): void {
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    const isHandled = process.listenerCount('uncaughtException') > 0;
    const isRejection = origin === 'unhandledRejection';
    if (isRejection && !isHandled && isRefusal(error)) {
      process.once('uncaughtException', () => undefined); // without one, Node ends the process now
      void endWithRefusal(error);
    } else {
      stopWith(isRejection ? 'unhandled_rejection' : 'uncaught_exception', errorRecord(error), isHandled);
    }
  });
  process.on('beforeExit', () => stopWith('ran_empty', null, false));
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const at = new Error('process.exit() was called');
    at.name = 'ProcessExit';
    process.once('exit', () => stopWith('exit', errorRecord(at), false));
    return exit(code);
  };
}

function stopWith(reason: StoppingMessage['reason'], error: ErrorRecord | null, isHandled: boolean): void {
  if (state !== 'running' || isHandled) return;
  state = 'over';
  sendRest();
  send({ type: 'stopping', reason, error, peakMemoryBytes: ownPeakBytes() });
}

function enterFolder({ folder, workingFolder }: StartMessage): void {
  // Bundles resolve import.meta.url and native add-ons against it.
  Object.defineProperty(globalThis, Symbol.for('cloudcode.folder'), { value: folder });
  try {
    process.chdir(workingFolder);
  } catch {
    // Another machine deployed the project: the folder is not here, and the bundle does not need it.
  }
}
