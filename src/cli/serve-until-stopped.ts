import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aborted } from '../engine/core/aborted.ts';
import type { Served, ServiceOptions, System, SystemEvent, SystemOptions } from '../main/system.ts';
import type { BuiltProject } from '../project/build-project.ts';
import { catchInterrupts, type Interrupts } from './interrupts.ts';
import { exitStatuses, type Invocation } from './invocation.ts';
import { checkDatabaseUrl } from './resolve-backend.ts';
import { tellBroken } from './tell-broken.ts';
import { tellEvent, tellRun } from './tell-event.ts';
import { followSteps } from './terminal/follow-steps.ts';
import type { Terminal } from './terminal/terminal.ts';
import { withoutSecrets } from '../client/request-json.ts';

type Chosen<Options> = Omit<Options, 'onEvent' | 'masterKey' | 'signal'>;

/** `start` and `dev`: serves a project's folder until a signal, then drains. */
export async function serveFolderUntilStopped(
  { terminal, global }: Invocation,
  options: Chosen<SystemOptions>,
): Promise<number> {
  await checkPlaces(options);
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
  tellStart(terminal, system, options);
  return await drainWhenStopped({ terminal, interrupts }, system);
}

/** `serve`: serves what others deploy until a signal, then drains. */
export async function serveUntilStopped(
  { terminal, global }: Invocation,
  options: Chosen<ServiceOptions>,
): Promise<number> {
  await checkPlaces(options);
  using interrupts = catchInterrupts(terminal);
  const { startService } = await import('../main.ts');
  const broken = tellBroken();
  const onEvent = (event: SystemEvent): void => {
    if (event.kind !== 'building') tellEvent({ terminal, broken, environment: null }, event);
  };
  const served = await startService({ ...options, folder: '.', masterKey: global.masterKey, onEvent });
  tellService(terminal, served, options);
  return await drainWhenStopped({ terminal, interrupts }, served);
}

/** What is wrong with them is found before anything is built or opened. @throws CloudCodeError */
async function checkPlaces({ http, databaseUrl }: Pick<ServiceOptions, 'http' | 'databaseUrl'>): Promise<void> {
  if (http !== null) (await import('../service/http/loopback.ts')).refuseHost(http.host);
  if (databaseUrl !== undefined) checkDatabaseUrl(databaseUrl);
}

async function drainWhenStopped(
  { terminal, interrupts }: { readonly terminal: Terminal; readonly interrupts: Interrupts },
  served: Served,
): Promise<number> {
  await aborted(interrupts.signal);
  terminal.tell('Draining, at most 30 s …');
  await served.stop();
  return exitStatuses.done;
}

function tellService(
  terminal: Terminal,
  { url }: Served,
  { data, databaseUrl, runner }: Pick<ServiceOptions, 'data' | 'databaseUrl' | 'runner'>,
): void {
  const folder = resolve(data ?? '.cloudcode');
  const database = databaseUrl === undefined ? null : withoutSecrets(databaseUrl);
  if (terminal.json) {
    terminal.out.write(`${JSON.stringify({ url, data: folder, database, pid: process.pid })}\n`);
    return;
  }
  const { colours } = terminal.out;
  terminal.print(url === null ? 'Running (no HTTP)' : `Listening at ${colours.cyan(url)}`);
  terminal.print(database === null ? `  data         ${folder}` : `  database     ${database}`);
  if (runner === null) terminal.print('  no runner: what is scheduled waits for one');
  if (url !== null) terminal.print(`  deploy to it ${colours.cyan(`cloudcode deploy --url ${url}`)}, in a project`);
  terminal.print('Ctrl-C stops it.');
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
