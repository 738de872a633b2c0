import type { Command } from 'commander';
import { resultOf } from '../../client/backend.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { type DeploymentSummary, deployments } from '../../service/api/deployments.ts';
import { describeChanges } from '../describe-deployment.ts';
import { catchInterrupts, interruptStatus } from '../interrupts.ts';
import { exitStatuses, type Invocation, invoke } from '../invocation.ts';
import { refuseExtraArguments, refuseWhatSubcommandsIgnore } from '../refuse-extra-arguments.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { escapeText } from '../terminal/escape-text.ts';
import { followSteps } from '../terminal/follow-steps.ts';
import { showLiveLine } from '../terminal/live-line.ts';
import { relativeTime } from '../terminal/relative-time.ts';
import { layOutTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

export function addDeployments(program: Command): void {
  const command = program
    .command('deployments')
    .description('list the deployments of an environment, newest first')
    .addHelpText(
      'after',
      `
The newest ten are kept whole, and those that unfinished runs need; of the others the list keeps the row.

Examples:
  $ cloudcode deployments --environment production
  $ cloudcode deployments show 12
  $ cloudcode deployments activate 11 --environment production`,
    );
  command.action(() =>
    invoke(command, (invocation) => {
      refuseExtraArguments(command);
      return list(invocation);
    }),
  );
  const show = command
    .command('show <id>')
    .description('what a deployment is made of')
    .addHelpText('after', '\nExamples:\n  $ cloudcode deployments show 12\n  $ cloudcode deployments show 12 --json');
  show.action((id: string) => invoke(show, (invocation) => showOne(invocation, id)));
  const activate = command
    .command('activate <id>')
    .description('bring an earlier deployment back (roll back): attempts that begin from now on run it')
    .option('--dry-run', 'tell what would change, and change nothing')
    .option('--yes', 'do it also where that hides data, without being asked')
    .addHelpText(
      'after',
      `
A new deployment is made of the same, with its variables, retention and queues as the configuration had them; variables that were set one by one stay as they are.
Data is never removed: what the earlier data model does not have is hidden, and is there again with the model that has it. Where something would be hidden, that is told first, and --yes is needed.

Examples:
  $ cloudcode deployments activate 11 --dry-run
  $ cloudcode deployments activate 11 --environment production`,
    );
  activate.action((id: string, options: ActivateOptions) =>
    invoke(activate, (invocation) => activateOne(invocation, id, options)),
  );
  refuseWhatSubcommandsIgnore(command);
}

async function list({ terminal, global }: Invocation): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const all: DeploymentSummary[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await backend.call(deployments.list, { cursor, limit: undefined });
      all.push(...page.deployments);
      if (page.nextCursor === undefined) break;
      cursor = page.nextCursor;
    }
    if (terminal.json) terminal.printJson({ deployments: all });
    else if (all.length === 0)
      terminal.print(`Nothing is deployed to ${global.environment}. Deploy a project: cloudcode deploy`);
    else printDeployments(terminal, all);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

function printDeployments({ out, print }: Terminal, all: readonly DeploymentSummary[]): void {
  const columns = [
    { title: 'DEPLOYMENT' },
    { title: 'DEPLOYED' },
    { title: 'TASKS', alignRight: true },
    { title: 'FROM', canShrink: true },
  ];
  const now = Date.now();
  const rows = all.map(({ id, createdAt, active, restores, folder, tasks }) => [
    { text: active ? `${id} (active)` : id, ...(active ? { paint: out.colours.green } : {}) },
    { text: relativeTime(createdAt, now) },
    { text: tasks === null ? 'pruned' : String(tasks) },
    { text: escapeText(restores === null ? (folder ?? 'sent to the server') : `brings back ${restores}`) },
  ]);
  const table = layOutTable(columns, rows, out.width());
  print(table.header(out.colours.dim));
  for (const row of rows) print(table.row(row));
}

async function showOne({ terminal, global }: Invocation, id: string): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const shown = await backend.call(deployments.show, { id });
    if (terminal.json) {
      terminal.printJson(shown);
      return exitStatuses.done;
    }
    const { deployment, tasks, packages, files, models, variables } = shown;
    const line = (what: string, names: readonly string[]): void => {
      if (names.length > 0) terminal.print(`  ${what.padEnd(9)} ${names.map(escapeText).join(', ')}`);
    };
    terminal.print(
      `Deployment ${deployment.id} of ${global.environment}, ${deployment.createdAt}${deployment.active ? ', active' : ''}`,
    );
    if (deployment.restores !== null) terminal.print(`  brings back ${deployment.restores}`);
    if (deployment.folder !== null) terminal.print(`  folder    ${escapeText(deployment.folder)}`);
    if (deployment.tasks === null) terminal.print('  its code is gone: it cannot be activated again');
    line(
      'tasks',
      tasks.map(({ name }) => name),
    );
    line('packages', packages);
    if (files !== null) terminal.print(`  files     ${files.count.toLocaleString('en')}`);
    line('models', models);
    line('variables', variables);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

interface ActivateOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

async function activateOne(
  { terminal, global }: Invocation,
  id: string,
  { dryRun = false, yes = false }: ActivateOptions,
): Promise<number> {
  const { environment } = global;
  using interrupts = catchInterrupts(terminal);
  const status: { text: string | null } = { text: null };
  const live = showLiveLine(terminal.err, () => status.text);
  using steps = followSteps(terminal.err, { live, show: (text) => (status.text = text) });
  const { backend, close } = await resolveBackend(global);
  try {
    const plan = await backend.call(deployments.plan, { id });
    if (plan.deployment.active || dryRun) {
      live.stop();
      const changes = describeChanges(plan.changes, { environment, isDone: false });
      if (terminal.json) terminal.printJson({ ...plan, dryRun: true });
      else if (plan.deployment.active) terminal.print(`Deployment ${id} is active already`);
      else
        terminal.print(
          [`Nothing was changed. ${environment} would get deployment ${id} again:`, ...changes].join('\n'),
        );
      return exitStatuses.done;
    }
    if (plan.changes.data.notices.length > 0 && !yes) throw wouldHide(id, plan.changes.data.notices);
    const done = await resultOf(backend.follow(deployments.activate, { id }, interrupts.signal), steps.at);
    live.stop();
    if (done === null) return interruptStatus(interrupts.signal.reason);
    if (terminal.json) terminal.printJson({ ...done, changes: plan.changes });
    else {
      terminal.print(`${environment} runs deployment ${id} again (as deployment ${done.deployment.id})`);
      for (const line of describeChanges(plan.changes, { environment, isDone: true })) terminal.print(line);
      for (const notice of done.notices) terminal.print(`  data      ${escapeText(notice)}`);
    }
    return exitStatuses.done;
  } finally {
    live.stop();
    await close();
  }
}

function wouldHide(id: string, data: readonly string[]): CloudCodeError {
  return new CloudCodeError(
    'not_confirmed',
    `Bringing deployment ${id} back would hide data. Nothing was changed.\n${data.map((each) => `  ${each}`).join('\n')}`,
    { hint: `No data is removed. To do it: cloudcode deployments activate ${id} --yes` },
  );
}
