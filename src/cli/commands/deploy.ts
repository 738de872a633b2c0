import type { Command } from 'commander';
import { project } from '../../service/api/project.ts';
import { describeDeployment, type ToDescribe } from '../describe-deployment.ts';
import { catchInterrupts, interruptStatus } from '../interrupts.ts';
import { exitStatuses, type GlobalOptions, type Invocation, invoke } from '../invocation.ts';
import { findTarget, requireProject } from '../resolve-backend.ts';
import { followSteps } from '../terminal/follow-steps.ts';
import { showLiveLine } from '../terminal/live-line.ts';

interface DeployOptions {
  readonly verbose?: boolean;
  readonly dryRun?: boolean;
  readonly cancelRemoved?: boolean;
}

export function addDeploy(program: Command): void {
  const command = program
    .command('deploy')
    .description(
      "deploy the folder as it stands: to the server at --url, to one that serves the folder, to --database, or to the project's own store",
    )
    .option('--dry-run', 'tell what would change, and change nothing')
    .option('--cancel-removed', 'cancel the waiting runs of tasks that go away')
    .option('--verbose', 'say of each part what was done with it')
    .addHelpText(
      'after',
      `
All tasks, the data model and the configuration are deployed together or, when anything is wrong with one of them, not at all. Runners take the
new deployment up by themselves; an attempt that has begun goes on with the code it began with.
To --url the folder is built here and sent; what the server has already is not sent again.
A server that serves this project builds the folder and deploys it to the store that it works on, with its own environment variables.
Runs that wait of a task that goes away are executed with the newest code that there is of it, unless --cancel-removed cancels them.

Examples:
  $ cloudcode deploy
  $ cloudcode deploy --dry-run
  $ cloudcode deploy --url http://127.0.0.1:4000 --environment production
  $ cloudcode deploy --verbose
  $ cloudcode deploy --json
  $ cloudcode deploy --database postgres://user:password@host/database`,
    );
  command.action((options: DeployOptions) => invoke(command, (invocation) => deploy(invocation, options)));
}

async function deploy({ terminal, global }: Invocation, options: DeployOptions): Promise<number> {
  const { verbose = false, dryRun = false, cancelRemoved = false } = options;
  using interrupts = catchInterrupts(terminal);
  const status: { text: string | null } = { text: null };
  const live = showLiveLine(terminal.err, () => status.text);
  using steps = followSteps(terminal.err, { live, show: (text) => (status.text = text) });
  try {
    const waiting = { signal: interrupts.signal, onStep: steps.at };
    const deployed = await deployTo(global, { ...waiting, dryRun, cancelRemoved });
    live.stop();
    if (deployed === null) return interruptStatus(interrupts.signal.reason);
    if (terminal.json) terminal.printJson(jsonOf(deployed));
    else for (const line of describeDeployment(deployed, { verbose })) terminal.print(line);
    return exitStatuses.done;
  } finally {
    live.stop();
  }
}

/** What is deployed now, and what that changed. */
function jsonOf({ deployed, changes, check, ...rest }: ToDescribe): object {
  const { environment, dryRun, cancelledRuns } = rest;
  return { environment, ...deployed, ...(changes === null ? {} : { dryRun, changes, check, cancelledRuns }) };
}

interface Asked {
  readonly dryRun: boolean;
  readonly cancelRemoved: boolean;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

async function deployTo(global: GlobalOptions, asked: Asked): Promise<ToDescribe | null> {
  const { environment, data } = global;
  const folder = requireProject(global);
  const target = await findTarget(global);
  if (target.kind === 'server') {
    const server = { url: target.url, token: global.token, environment, hint: target.hint };
    // The server that serves the folder deploys it as it is; what else is asked for comes with what is sent.
    const isSent = target.servesFolder !== true || asked.dryRun || asked.cancelRemoved;
    return isSent ? sendTo(server, folder, global, asked) : deployThere(server, asked);
  }
  const { deployOnce } = await import('../../main/deploy-once.ts');
  const databaseUrl = target.kind === 'database' ? target.url : undefined;
  const done = await deployOnce({ folder, data, databaseUrl, environment, ...asked });
  return done === null ? null : { environment, ...done };
}

interface Server {
  readonly url: string;
  readonly token: string | undefined;
  readonly environment: string;
  readonly hint: string | undefined;
}

async function deployThere(server: Server, { signal, onStep }: Asked): Promise<ToDescribe | null> {
  const [{ httpBackend }, { resultOf }] = await Promise.all([
    import('../../client/http-backend.ts'),
    import('../../client/backend.ts'),
  ]);
  const deployed = await resultOf(httpBackend(server).follow(project.deployFolder, {}, signal), onStep);
  if (deployed === null) return null;
  return { environment: server.environment, dryRun: false, changes: null, check: null, deployed, cancelledRuns: 0 };
}

async function sendTo(
  server: Server,
  folder: string,
  { data, environment }: GlobalOptions,
  asked: Asked,
): Promise<ToDescribe | null> {
  const [{ httpBackend }, { buildApart }, { packDeployment }, { sendDeployment }] = await Promise.all([
    import('../../client/http-backend.ts'),
    import('../../project/build-process/build-apart.ts'),
    import('../../main/packed-deployment.ts'),
    import('../send-deployment.ts'),
  ]);
  const built = await buildApart(folder, { signal: asked.signal, cache: data, onStep: asked.onStep });
  if (built === null) return null;
  const done = await sendDeployment(httpBackend(server), packDeployment(built, environment), asked);
  if (done === null) return null;
  const { report, computedStarts } = built;
  // The server knows nothing of the folder.
  const deployed = done.deployed === null ? null : { ...done.deployed, folder, report, computedStarts };
  return { environment, ...done, deployed };
}
