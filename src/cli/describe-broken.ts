import { errorOfProblem } from '../engine/core/problem.ts';
import type { BrokenTaskBody } from '../service/api/tasks.ts';
import { escapeLines, escapeText } from './terminal/escape-text.ts';

/** The tasks that are broken, with their errors, and what goes on in their place; those with one error together. */
export function describeBroken(broken: readonly BrokenTaskBody[]): readonly string[] {
  const byError = Map.groupBy(broken, ({ problem }) => problem.detail);
  return [...byError.values()].map((tasks) => {
    const names = tasks.map(({ name }) => escapeText(name)).join(', ');
    const error = errorOfProblem(tasks[0]?.problem);
    const lines = [
      `${names} ${tasks.length === 1 ? 'is' : 'are'} broken: ${error?.message ?? ''}`,
      ...(error?.hint === undefined ? [] : [error.hint]),
      ...tasks.map(describeRest),
    ];
    return lines.map(escapeLines).join('\n');
  });
}

function describeRest({ name, goesOn }: BrokenTaskBody): string {
  return goesOn === null
    ? `${escapeText(name)} has never been good: it cannot be scheduled.`
    : `${escapeText(name)} goes on with ${describeCode(goesOn)}.`;
}

/** `its last good code, deployed at 2026-03-01T09:00:00.000Z from /home/me/app` */
export function describeCode({ deployedAt, folder }: NonNullable<BrokenTaskBody['goesOn']>): string {
  return `its last good code, deployed at ${deployedAt} from ${escapeText(folder)}`;
}
