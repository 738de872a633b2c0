import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CloudCodeError } from '../engine/core/errors.ts';
import type { System, SystemEvent, SystemOptions } from '../main/system.ts';
import type { BuiltProject } from '../project/build-project.ts';
import { describeEvent } from '../engine/runner/events.ts';
import { describeLine } from './describe-line.ts';
import { errorLines } from './describe-run.ts';
import { catchInterrupts } from './interrupts.ts';
import { exitStatuses, type Invocation } from './invocation.ts';
import { checkDatabaseUrl } from './resolve-backend.ts';
import { deployAllTheSame, describeReplaced } from './schedule-or-deploy.ts';
import { type BrokenTeller, tellBroken } from './tell-broken.ts';
import { escapeText } from './terminal/escape-text.ts';
import { followSteps } from './terminal/follow-steps.ts';
import type { Terminal } from './terminal/terminal.ts';
import { counted } from '../engine/core/counted.ts';
import { aborted } from '../engine/core/aborted.ts';

/** `start` and `dev`: serves until a signal, then drains. */
export async function serveUntilStopped(
  { terminal, global }: Invocation,
  options: Omit<SystemOptions, 'onEvent' | 'masterKey'>,
): Promise<number> {
  if (options.http !== null) (await import('../service/http/loopback.ts')).refuseHost(options.http.host);
  if (options.databaseUrl !== undefined) checkDatabaseUrl(options.databaseUrl);
  using interrupts = catchInterrupts(terminal);
  const { startSystem } = await import('../main.ts');
  const broken = tellBroken();
  // Lines, as what else is told comes in between.
  using steps = followSteps(terminal.err, { live: { above: (text) => terminal.err.write(text) }, show: null });
  const onEvent = (event: SystemEvent): void => {
    if (event.kind === 'building') steps.at(event.step);
    else tellEvent({ terminal, broken, environment: global.environment }, event);
    if (options.watch) tellRun(terminal, event);
    if (event.kind === 'deployed' && options.watch) void refreshTypes(event.built);
  };
  const system = await startSystem({ ...options, masterKey: global.masterKey, onEvent, signal: interrupts.signal });
  if (system === null) return exitStatuses.done;
  tellStart(terminal, system, { ...options, environment: global.environment });
  await aborted(interrupts.signal);
  terminal.tell('Draining, at most 30 s …');
  await system.stop();
  return exitStatuses.done;
}

function tellStart(
  terminal: Terminal,
  { url, folder, tasks, isBroken }: System,
  options: Pick<SystemOptions, 'environment' | 'runner' | 'watch'>,
): void {
  const { environment } = options;
  if (terminal.json) {
    // One line, so that a reader needs no more than that.
    terminal.out.write(`${JSON.stringify({ url, environment, folder, tasks, pid: process.pid })}\n`);
    return;
  }
  const { colours } = terminal.out;
  terminal.print(url === null ? 'Running (no HTTP)' : `Listening at ${colours.cyan(url)}`);
  terminal.print(`  environment  ${environment}`);
  terminal.print(`  project      ${folder}`);
  terminal.print(`  tasks        ${tasks.length === 0 ? 'none yet' : tasks.join(', ')}`);
  if (isBroken && tasks.length > 0)
    terminal.print('               of the last good deployment, which goes on until the folder can be deployed');
  if (options.runner === null) terminal.print('  no runner: what is scheduled waits for one');
  if (options.watch) terminal.print('  watching     all that the build reads');
  terminal.print('Ctrl-C stops it.');
}

interface Telling {
  readonly terminal: Terminal;
  readonly broken: BrokenTeller;
  readonly environment: string;
}

function tellEvent(
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
    case 'line_printed':
      // The console is in the store; `dev` shows it besides.
      return;
    case 'attempt_started':
      return terminal.tell(`${time} ${describeEvent(event)}${broken.started(event)}`);
    case 'runs_scheduled':
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
function tellRun({ err, tell }: Terminal, event: SystemEvent): void {
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
  environment: string,
): string {
  const why = replacement === null ? 'others work on this database' : describeReplaced(environment, replacement);
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

/** A project that has the file keeps it up to date while it is worked on. */
async function refreshTypes(built: BuiltProject): Promise<void> {
  if (!existsSync(join(built.folder, 'cloudcode-env.d.ts'))) return;
  const [{ writeTypesOf }, { dataInProject }] = await Promise.all([
    import('../project/write-types.ts'),
    import('../data/source/project-extension.ts'),
  ]);
  const tasks = [...built.tasks, ...built.broken].sort((left, right) => (left.name < right.name ? -1 : 1));
  // A folder that cannot be written to keeps the old one.
  await writeTypesOf({ ...built, tasks }, dataInProject.describeTypes(built.extension)).catch(() => undefined);
}
