import { counted } from '../engine/core/counted.ts';
import type { Carried, ToldPackage } from '../engine/core/carried.ts';
import type { DeploymentChangesBody, SentDeployment } from '../service/api/deployments.ts';
import type { DeploymentBody } from '../service/api/project.ts';
import { escapeText } from './terminal/escape-text.ts';

/** What a deployment came to. `changes` is null where nothing was compared. */
export interface ToDescribe extends Omit<SentDeployment, 'changes'> {
  readonly environment: string;
  readonly changes: DeploymentChangesBody | null;
}

/** Lines for people. */
export function describeDeployment(
  { environment, changes, check, deployed, cancelledRuns }: ToDescribe,
  { verbose }: { readonly verbose: boolean },
): readonly string[] {
  const told = changes === null ? [] : describeChanges(changes, { environment, isDone: deployed !== null });
  if (deployed === null) {
    const first =
      told.length === 0
        ? `Nothing would change: ${environment} has this already`
        : `Nothing was deployed. To ${environment} it would be:`;
    return [first, ...told];
  }
  const cancelled =
    cancelledRuns === 0 ? [] : [`  cancelled ${counted(cancelledRuns, 'waiting run')} of tasks that are gone`];
  // Of a first deployment all is new, which needs no list.
  const isFirst = changes !== null && changes.tasks.added.length === deployed.tasks.length;
  return [...describeDeployed(deployed, { verbose }), ...(isFirst ? [] : told), ...describeCheck(check), ...cancelled];
}

function describeCheck(check: ToDescribe['check']): readonly string[] {
  if (check === null) return [];
  if (check.why !== null) return [`  checked   no: ${escapeText(check.why)}`];
  const { unchecked } = check;
  const rest =
    unchecked.length === 0
      ? ''
      : `; not how ${unchecked.map(escapeText).join(', ')} go on, as they use \`DB\` or \`CloudCode\` while they load`;
  return [`  checked   each task that is new here can be loaded by a runner${rest}`];
}

/** What changes of what is active, a line for each kind. */
export function describeChanges(
  { tasks: { added, changed, removed }, packages, files, data }: DeploymentChangesBody,
  { environment, isDone }: { readonly environment: string; readonly isDone: boolean },
): readonly string[] {
  const names = (kind: string, all: readonly string[]): readonly string[] =>
    all.length === 0 ? [] : [`  ${kind.padEnd(9)} ${all.map(escapeText).join(', ')}`];
  return [
    ...names('added', added),
    ...names('changed', changed),
    ...removed.map(({ task, runs }) => `  removed   ${escapeText(task)}${describeUnfinished(runs, isDone)}`),
    ...names('packages', [...packages.added.map((name) => `+${name}`), ...packages.removed.map((name) => `-${name}`)]),
    ...(files && !isDone ? [`  files     others than ${environment} has`] : []),
    // What was done is told by the deployment itself.
    ...(isDone ? [] : [...data.steps, ...data.notices].map((each) => `  data      ${escapeText(each)}`)),
  ];
}

function describeUnfinished(runs: number, isDone: boolean): string {
  if (runs === 0) return '';
  const how = isDone
    ? 'are executed with its newest code'
    : 'would be executed with its newest code; --cancel-removed cancels those that wait';
  return `: ${counted(runs, 'unfinished run')} of it ${how}`;
}

function describeDeployed(
  { id, environment, changed, settings, tasks, code, packages, files, notices, report, computedStarts }: DeploymentBody,
  { verbose }: { readonly verbose: boolean },
): readonly string[] {
  const number = id === undefined ? '' : ` (deployment ${id})`;
  const first = changed
    ? `Deployed to ${environment}${number}`
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
