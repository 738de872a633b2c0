import { CloudCodeError } from '../engine/core/errors.ts';
import { counted } from '../engine/core/counted.ts';
import { describeEvent } from '../engine/runner/events.ts';
import type { SystemEvent } from '../main/system.ts';
import { describeLine } from './describe-line.ts';
import { errorLines } from './describe-run.ts';
import { deployAllTheSame, describeReplaced } from './schedule-or-deploy.ts';
import type { BrokenTeller } from './tell-broken.ts';
import { escapeText } from './terminal/escape-text.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface Telling {
  readonly terminal: Terminal;
  readonly broken: BrokenTeller;
  /** Of the folder that is served; null where none is. */
  readonly environment: string | null;
}

/** Tells what a server does, a line or more for each event. */
export function tellEvent(
  { terminal, broken, environment }: Telling,
  event: Exclude<SystemEvent, { kind: 'building' }>,
): void {
  const { colours } = terminal.err;
  const time = colours.dim(new Date().toISOString().slice(11, 23));
  switch (event.kind) {
    case 'deploying':
      return terminal.tell(`${time} ${escapeText(event.what)}`);
    case 'deployed':
      terminal.tell(`${time} ${describeDeployed(event)}`);
      for (const notice of event.notices) terminal.tell(`${time} ${colours.yellow('data')}: ${escapeText(notice)}`);
      if (event.afterRestart.length > 0)
        terminal.tell(`${time} ${event.afterRestart.join(', ')} of the configuration: counts from the next start on`);
      for (const { task, need } of event.spawned) terminal.tell(`${time} ${task} is not forked: it uses ${need}`);
      for (const text of broken.deployed(event.broken)) terminal.tell(`${time} ${text}`);
      return;
    case 'not_deployed':
      terminal.tell(`${time} ${colours.red('not deployed')}: ${describeError(event.error)}`);
      if (event.goesOn !== undefined && event.goesOn.length > 0)
        terminal.tell(`The last good deployment goes on: ${event.goesOn.join(', ')}`);
      return;
    case 'not_watched':
      return terminal.tell(
        `${time} ${colours.yellow('files are looked at')} every ${event.everyMs} ms, as the system tells of no changes: ${describeBlind(event.error)}`,
      );
    case 'deployment_kept':
      return terminal.tell(`${time} ${colours.yellow('not deployed')}: ${describeKept(event, environment)}`);
    case 'files_elsewhere':
      return terminal.tell(`${time} ${describeElsewhere(event)}`);
    case 'request_failed':
      return terminal.tell(`${time} ${colours.red('a request failed')}: ${event.message}`);
    case 'runner_unfit':
    case 'trouble':
    case 'kill_failed':
      return terminal.tell(`${time} ${colours.yellow('trouble')}: ${describeEvent(event)}`);
    case 'store_mended':
      return terminal.tell(`${time} ${colours.yellow('mended')}: ${escapeText(describeEvent(event))}`);
    case 'store_checked':
      // What was wrong is told by `store_mended`.
      return;
    case 'line_printed':
      // The console is in the store; `dev` shows it besides.
      return;
    case 'attempt_started':
      return terminal.tell(`${time} ${describeEvent(event)}${broken.started(event)}`);
    case 'runs_scheduled':
    case 'deployment_activated':
    case 'run_cancelled':
    case 'cancel_requested':
    case 'run_retried':
    case 'queue_paused':
    case 'queue_resumed':
      return terminal.tell(`${time} ${escapeText(describeEvent(event))}`);
    case 'runner_started':
    case 'fork_server_ready':
    case 'attempt_ended':
    case 'runs_rescued':
    case 'runs_pruned':
    case 'deployments_pruned':
    case 'lease_lost':
    case 'runner_fit':
    case 'kill_succeeded':
    case 'draining':
      return terminal.tell(`${time} ${describeEvent(event)}`);
  }
}

/** What whoever works on the tasks wants to see of each run: its console as it comes, and its error. */
export function tellRun({ err, tell }: Terminal, event: SystemEvent): void {
  // The end of an id: ids that were made at one time begin alike.
  const of = (task: string, runId: string): string => err.colours.dim(`${escapeText(task)} …${runId.slice(-6)} |`);
  if (event.kind === 'line_printed') tell(`${of(event.task, event.runId)} ${describeLine(event.line, err)}`);
  if (event.kind === 'attempt_ended' && event.error !== null) {
    for (const line of errorLines(event.error)) tell(`${of(event.task, event.runId)} ${err.colours.red(line)}`);
  }
}

/** Of a folder that cannot be written. */
export function describeElsewhere({ folder, because }: Extract<SystemEvent, { kind: 'files_elsewhere' }>): string {
  return `the project's folder cannot be written (${because}): the files of this machine go to ${folder}. --data DIR (CLOUDCODE_DATA) names another one`;
}

function describeDeployed({ changed, settings, tasks }: Extract<SystemEvent, { kind: 'deployed' }>): string {
  const count = counted(tasks.length, 'task');
  if (changed) return `deployed: ${[count, ...settings].join(', ')}`;
  return settings.length === 0
    ? `nothing to deploy: ${count}`
    : `deployed: ${settings.join(', ')} (${count} as before)`;
}

function describeKept(
  { replacement, tasks }: Extract<SystemEvent, { kind: 'deployment_kept' }>,
  environment: string | null,
): string {
  const why = replacement === null ? 'others work on this database' : describeReplaced(environment ?? '', replacement);
  return `${why}.\nWhat is deployed goes on: ${tasks.map(escapeText).join(', ')}. ${deployAllTheSame}`;
}

function describeBlind({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC')
    return 'it has no watches left (ENOSPC). More of them: sudo sysctl fs.inotify.max_user_watches=524288';
  if (code === 'EMFILE' || code === 'ENFILE')
    return `it has no watchers or files left (${code}). More of them: sudo sysctl fs.inotify.max_user_instances=1024, or ulimit -n 65536`;
  return message;
}

function describeError(error: unknown): string {
  if (error instanceof CloudCodeError)
    return error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
