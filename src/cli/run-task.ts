import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, followLogs } from '../client/backend.ts';
import { isFinal, type Run } from '../engine/core/run.ts';
import type { SystemEvent } from '../main/system.ts';
import { runs, type ScheduleBody } from '../service/api/runs.ts';
import { describeEvent } from '../engine/runner/events.ts';
import { lineDescriber } from './describe-line.ts';
import { describeRun } from './describe-run.ts';
import { catchInterrupts, interruptStatus } from './interrupts.ts';
import { exitStatuses, type Invocation } from './invocation.ts';
import { openWorkplace, type Workplace } from './open-workplace.ts';
import { describeFound, scheduleOrDeploy } from './schedule-or-deploy.ts';
import { describeElsewhere } from './tell-event.ts';
import { followSteps } from './terminal/follow-steps.ts';
import { type LiveLine, showLiveLine } from './terminal/live-line.ts';
import { duration } from './terminal/relative-time.ts';
import type { Terminal } from './terminal/terminal.ts';
import { tellEnded, tellLeft, waitUntilDrained } from './wait-until-drained.ts';
import { aborted } from '../engine/core/aborted.ts';

export interface RunRequest {
  readonly body: ScheduleBody;
  readonly drain: boolean;
}

const stateEveryMs = 1000;

/** `run`: schedules, follows to the end, prints. @returns the exit status that the run's state stands for */
export async function runTask({ terminal, global }: Invocation, { body, drain }: RunRequest): Promise<number> {
  using interrupts = catchInterrupts(terminal);
  const status = { text: 'starting' };
  const live = showLiveLine(terminal.err, () => status.text);
  using steps = followSteps(terminal.err, { live, show: (text) => (status.text = text ?? 'starting') });
  let workplace: Workplace | null = null;
  try {
    const tell = (line: string): void => live.above(`${line}\n`);
    const onEvent = (event: SystemEvent): void => {
      if (event.kind === 'building') steps.at(event.step);
      if (event.kind === 'deploying') steps.at(event.what);
      if (event.kind === 'deployment_kept')
        tell(
          'Other runners work on this database, so what is deployed there stays: this executes that, not the folder as it stands. To deploy the folder: cloudcode deploy',
        );
      if (event.kind === 'files_elsewhere') tell(describeElsewhere(event));
      if (event.kind === 'trouble' || event.kind === 'kill_failed' || event.kind === 'runner_unfit')
        tell(`trouble: ${describeEvent(event)}`);
    };
    workplace = await openWorkplace(global, {
      onEvent,
      tell,
      task: body.task,
      onStep: steps.at,
      signal: interrupts.signal,
    });
    steps.at(null);
    if (workplace === null) return interruptStatus(interrupts.signal.reason);
    const { backend } = workplace;
    const scheduled = await scheduleOrDeploy(backend, body, {
      deployable: workplace.deployable,
      tell,
      onStep: steps.at,
    });
    const waiting = { terminal, live, status, drain, signal: interrupts.signal };
    const found = describeFound(scheduled);
    if (found !== null) live.above(`${found}\n`);
    const run = await waitForEnd(backend, scheduled.answer, waiting);
    live.stop();
    if (terminal.json) terminal.printJson(run);
    if (interrupts.signal.aborted) return leave(terminal, workplace, { run, signal: interrupts.signal });
    if (!terminal.json) terminal.print(describeRun(run, { colours: terminal.out.colours, now: Date.now() }));
    await finish(workplace, interrupts.signal);
    if (!drain && workplace.deployable !== null)
      await tellLeft(backend, terminal, 'Left for the next `cloudcode run --drain`, `dev` or `start`');
    return exitStatusOf(run);
  } finally {
    live.stop();
    await workplace?.close();
  }
}

interface Waiting {
  readonly terminal: Terminal;
  readonly live: LiveLine;
  readonly status: { text: string };
  readonly drain: boolean;
  readonly signal: AbortSignal;
}

async function waitForEnd(backend: Backend, scheduled: Run, waiting: Waiting): Promise<Run> {
  const { terminal, live, status, drain } = waiting;
  const over = new AbortController();
  const signal = AbortSignal.any([waiting.signal, over.signal]);
  const telling = terminal.err.isTerminal ? tellState(backend, scheduled, { status, signal }) : Promise.resolve();
  const describe = lineDescriber(terminal.err, { withTimes: false });
  const follow = async (): Promise<Run | null> => {
    const lines = followLogs(backend, scheduled.id, signal);
    for (let line = await lines.next(); ; line = await lines.next()) {
      if (line.done === true) return line.value;
      live.above(describe(line.value));
    }
  };
  try {
    if (drain) {
      // With nothing left to do, a run that is unfinished waits in a paused queue: it would be followed for ever.
      const drained = waitUntilDrained(backend, { status, signal }).then(() =>
        endUnlessFinal(backend, scheduled.id, over),
      );
      const [ended] = await Promise.all([follow(), drained]);
      live.stop();
      if (!waiting.signal.aborted) {
        await tellEnded(backend, terminal, scheduled);
        await tellLeft(backend, terminal, 'Left');
      }
      return ended ?? (await backend.call(runs.get, { id: scheduled.id }));
    }
    return (await follow()) ?? (await backend.call(runs.get, { id: scheduled.id }));
  } finally {
    over.abort();
    await telling;
  }
}

async function endUnlessFinal(backend: Backend, runId: string, over: AbortController): Promise<void> {
  if (!isFinal((await backend.call(runs.get, { id: runId })).state)) over.abort();
}

/** What the live line says: asked for once a second. */
async function tellState(
  backend: Backend,
  scheduled: Run,
  to: { readonly status: { text: string }; readonly signal: AbortSignal },
): Promise<void> {
  const began = Date.now();
  while (!to.signal.aborted) {
    const run = await backend.call(runs.get, { id: scheduled.id }).catch(() => scheduled);
    if (!isFinal(run.state)) {
      const attempt = run.attempts.length > 1 ? `, attempt ${run.attempts.length} of ${run.maxAttempts}` : '';
      to.status.text = `${run.task} ${run.retryAt === null || run.state === 'running' ? run.state : 'waits for its next attempt'}${attempt}, ${duration(Date.now() - began)}`;
    }
    await sleep(stateEveryMs, undefined, { signal: to.signal }).catch(() => undefined);
  }
}

/** Ctrl-C: the run stays in the store. What an own runner was at is given back, and does not count as an attempt. */
function leave(
  terminal: Terminal,
  workplace: Workplace,
  from: { readonly run: Run; readonly signal: AbortSignal },
): number {
  const { run, signal } = from;
  const rest =
    workplace.deployable !== null ? 'it begins again with the next `cloudcode run`, `dev` or `start`' : 'it goes on';
  terminal.tell(
    isFinal(run.state)
      ? `Interrupted. Run ${run.id} is ${run.state}.`
      : `Interrupted. Run ${run.id} is unfinished: ${rest}. End it: cloudcode runs cancel ${run.id}`,
  );
  return interruptStatus(signal.reason);
}

/** Runs that an own runner has claimed besides are finished; Ctrl-C gives that up, and the process with it. */
async function finish(workplace: Workplace, signal: AbortSignal): Promise<void> {
  await Promise.race([workplace.finish(), aborted(signal)]);
  if (signal.aborted) process.exit(interruptStatus(signal.reason));
}

function exitStatusOf(run: Run): number {
  switch (run.state) {
    case 'succeeded':
      return exitStatuses.done;
    case 'failed':
      return exitStatuses.failed;
    case 'dead':
      return exitStatuses.dead;
    case 'cancelled':
      return exitStatuses.cancelled;
    case 'scheduled':
    case 'queued':
    case 'running':
      // Left in a paused queue by --drain: it has not succeeded.
      return exitStatuses.failed;
  }
}
