import { resultOf } from '../../client/backend.ts';
import { counted } from '../../engine/core/counted.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { ManyChangedBody } from '../../service/api/many-runs.ts';
import { runs as operations } from '../../service/api/runs.ts';
import { catchInterrupts, interruptStatus } from '../interrupts.ts';
import { exitStatuses, type Invocation } from '../invocation.ts';
import { readLine } from '../read-variables.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { escapeText } from '../terminal/escape-text.ts';
import { followSteps } from '../terminal/follow-steps.ts';
import { showLiveLine } from '../terminal/live-line.ts';
import { filterOf, type RunsOptions } from '../run-filters.ts';

export interface ManyOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const verbs = {
  retry: { operation: operations.retryMany, done: 'retried' },
  cancel: { operation: operations.cancelMany, done: 'cancelled' },
} as const;

/** `runs retry` and `runs cancel` with filters in place of ids: counts, asks on a terminal, and changes them. */
export async function changeMany(
  { terminal, global }: Invocation,
  verb: keyof typeof verbs,
  { filters, dryRun = false, yes = false }: ManyOptions & { readonly filters: RunsOptions },
): Promise<number> {
  const { operation, done } = verbs[verb];
  const { search: _, ...filter } = await filterOf(filters);
  using interrupts = catchInterrupts(terminal);
  const status: { text: string | null } = { text: null };
  const live = showLiveLine(terminal.err, () => status.text);
  using steps = followSteps(terminal.err, { live, show: (text) => (status.text = text) });
  const { backend, close } = await resolveBackend(global);
  const ask = (body: { readonly dryRun: boolean }): Promise<ManyChangedBody | null> =>
    resultOf(backend.follow(operation, { body: { filter, ...body } }, interrupts.signal), steps.at);
  try {
    const mustAsk = !dryRun && !yes && process.stdin.isTTY && !terminal.json;
    if (mustAsk) {
      const { matched = 0 } = (await ask({ dryRun: true })) ?? {};
      status.text = null;
      if (matched > 0 && !(await isWanted(`${verb} ${counted(matched, 'run')} of ${global.environment}?`)))
        throw new CloudCodeError('not_confirmed', `Nothing was ${done}.`, { hint: 'With --yes it does not ask.' });
    }
    const changed = await ask({ dryRun });
    live.stop();
    if (changed === null || interrupts.signal.aborted) {
      terminal.tell('Interrupted: the same command goes on with those that are left.');
      return interruptStatus(interrupts.signal.reason);
    }
    if (terminal.json) terminal.printJson(changed);
    else for (const line of describe(changed, { done, dryRun })) terminal.print(line);
    return exitStatuses.done;
  } finally {
    live.stop();
    await close();
  }
}

async function isWanted(question: string): Promise<boolean> {
  process.stderr.write(`${question.charAt(0).toUpperCase()}${question.slice(1)} [y/N] `);
  return /^y(es)?$/i.test(((await readLine(false)) ?? '').trim());
}

function describe(
  { matched, changed, refused, problems }: ManyChangedBody,
  { done, dryRun }: { readonly done: string; readonly dryRun: boolean },
): readonly string[] {
  if (matched === 0) return [`There are no such runs that can be ${done}`];
  if (dryRun) return [`${counted(matched, 'run')} would be ${done}. Nothing was changed`];
  return [
    `${counted(changed, 'run')} ${done}`,
    ...(refused === 0 ? [] : [`${refused} refused:`]),
    ...problems.map(({ id, detail }) => `  ${id}: ${escapeText(detail)}`),
    ...(refused > problems.length ? ['  …'] : []),
  ];
}
