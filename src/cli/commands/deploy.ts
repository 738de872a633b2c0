import type { Command } from 'commander';
import type { Carried, ToldPackage } from '../../engine/core/carried.ts';
import { withoutSecrets } from '../../client/request-json.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { type DeploymentBody, project } from '../../service/api/project.ts';
import { catchInterrupts, interruptStatus } from '../interrupts.ts';
import { exitStatuses, type GlobalOptions, type Invocation, invoke } from '../invocation.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';
import { findTarget, requireProject } from '../resolve-backend.ts';
import { escapeText } from '../terminal/escape-text.ts';
import { followSteps } from '../terminal/follow-steps.ts';
import { showLiveLine } from '../terminal/live-line.ts';

interface DeployOptions {
  readonly verbose?: boolean;
}

export function addDeploy(program: Command): void {
  const command = program
    .command('deploy')
    .description(
      "deploy the folder as it stands: to the project's own store, that of a server which serves it, or --database",
    )
    .option('--verbose', 'say of each part what was done with it')
    .addHelpText(
      'after',
      `
All tasks, the data model and the configuration are deployed together or, when anything is wrong with one of them, not at all. Runners take the
new deployment up by themselves; an attempt that has begun goes on with the code it began with.
A server that serves this project builds the folder and deploys it to the store that it works on, with its own environment variables.

Examples:
  $ cloudcode deploy
  $ cloudcode deploy --verbose
  $ cloudcode deploy --json
  $ cloudcode deploy --database postgres://user:password@host/database`,
    );
  refuseUnused(command, 'token');
  command.action((options: DeployOptions) => invoke(command, (invocation) => deploy(invocation, options)));
}

async function deploy({ terminal, global }: Invocation, { verbose = false }: DeployOptions): Promise<number> {
  refuseUrl(global);
  using interrupts = catchInterrupts(terminal);
  const status: { text: string | null } = { text: null };
  const live = showLiveLine(terminal.err, () => status.text);
  using steps = followSteps(terminal.err, { live, show: (text) => (status.text = text) });
  try {
    const deployed = await deployTo(global, { signal: interrupts.signal, onStep: steps.at });
    live.stop();
    if (deployed === null) return interruptStatus(interrupts.signal.reason);
    if (terminal.json) terminal.printJson(deployed);
    else for (const line of describeDeployment(deployed, { verbose })) terminal.print(line);
    return exitStatuses.done;
  } finally {
    live.stop();
  }
}

/** What commands with a URL work on is a server, and one elsewhere has not this folder. */
function refuseUrl({ url }: GlobalOptions): void {
  if (url === undefined) return;
  throw new CloudCodeError(
    'wrong_usage',
    `\`deploy\` cannot send a project to a server: ${withoutSecrets(url)} was given by --url or CLOUDCODE_URL.`,
    {
      hint: 'Leave it out (unset CLOUDCODE_URL): a server that serves this folder on this machine is found without it. --database deploys to the PostgreSQL that a server elsewhere works on.',
    },
  );
}

async function deployTo(
  global: GlobalOptions,
  waiting: { readonly signal: AbortSignal; readonly onStep: (step: string) => void },
): Promise<DeploymentBody | null> {
  const { environment, data } = global;
  const folder = requireProject(global);
  const target = await findTarget(global);
  if (target.kind === 'server') {
    const [{ httpBackend }, { resultOf }] = await Promise.all([
      import('../../client/http-backend.ts'),
      import('../../client/backend.ts'),
    ]);
    const server = httpBackend({ url: target.url, token: global.token, environment, hint: target.hint });
    return resultOf(server.follow(project.deployFolder, {}, waiting.signal), waiting.onStep);
  }
  const { deployOnce } = await import('../../main/deploy-once.ts');
  return deployOnce({
    folder,
    data,
    databaseUrl: target.kind === 'database' ? target.url : undefined,
    environment,
    ...waiting,
  });
}

function describeDeployment(
  { environment, changed, settings, tasks, code, packages, files, notices, report, computedStarts }: DeploymentBody,
  { verbose }: { readonly verbose: boolean },
): readonly string[] {
  const first = changed
    ? `Deployed to ${environment}`
    : settings.length > 0
      ? `Deployed to ${environment}: ${settings.join(', ')}`
      : `Nothing to deploy: ${environment} has this already`;
  const also = changed && settings.length > 0 ? `, ${settings.join(', ')}` : '';
  const contents = [
    ...(packages.count === 0 ? [] : [`  packages  ${describeCarried(packages)}`]),
    // They are stored together.
    ...(files.count === 0
      ? []
      : [
          `  files     ${files.count.toLocaleString('en')} (${describeBytes(files.bytes)}), ${files.added.length === 0 ? 'as before' : 'new'}`,
        ]),
  ];
  return [
    first + also,
    ...notices.map((notice) => `  data      ${escapeText(notice)}`),
    `  tasks     ${describeCarried(code)}`,
    ...contents,
    ...computedStarts.map(
      (place) =>
        `  files     ${escapeText(place)} starts a thread or process by a computed path, which no build sees: a file that only such paths name travels when it lies in the task's folder or \`files\` names it`,
    ),
    ...(verbose ? [...describeTasks(tasks, code), ...report.map(describePackage)] : []),
  ];
}

/** `3 (45 KB), 1 of them new (12 KB)` */
function describeCarried({ count, bytes, added }: Carried): string {
  const news =
    added.length === 0
      ? 'none of them new'
      : `${added.length} of them new (${describeBytes(added.reduce((sum, each) => sum + each.bytes, 0))})`;
  return `${count} (${describeBytes(bytes)}), ${news}`;
}

function describePackage({ package: name, how, because, bytes }: ToldPackage): string {
  const done = {
    outside: 'outside of the bundles',
    bundled: 'in the bundles',
    plain: 'outside of the bundles, loaded by Node alone',
    linked: 'its code in the bundles, its files outside',
  }[how];
  return `  package ${escapeText(name)}${bytes === null ? '' : ` (${describeBytes(bytes)})`}: ${done}; ${escapeText(because)}`;
}

function describeTasks(tasks: readonly string[], { added }: Carried): readonly string[] {
  const sizes = new Map(added.map(({ name, bytes }) => [name, bytes]));
  return tasks.map((task) => {
    const bytes = sizes.get(task);
    return `  task ${escapeText(task)}: ${bytes === undefined ? 'the store has this code already' : `new code, ${describeBytes(bytes)}`}`;
  });
}

const units = ['B', 'KB', 'MB', 'GB'];

/** `812 B`, `3.2 KB`, `45 MB`: in steps of 1024. */
function describeBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}
