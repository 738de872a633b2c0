import type { CampaignOptions } from '../chaos/campaign-options.ts';
import type { CampaignResult } from '../chaos/campaign.ts';
import { countNames, type CountName } from '../chaos/judge/verdict.ts';
import { faultKinds } from '../chaos/plan/fault-kinds.ts';
import { escapeText } from './terminal/escape-text.ts';
import { type Cell, layOutTable } from './terminal/table.ts';
import type { Terminal } from './terminal/terminal.ts';

/** What people read for each count, here and in docs/chaos.md. */
export const countLabels: Readonly<Record<CountName, string>> = {
  overlaps: 'overlaps',
  lostRuns: 'lost runs',
  lostWrites: 'lost writes',
  doubledWrites: 'doubled writes',
  retriedAfterAnswer: 'runs retried after an answer',
  staleWrites: 'stale writes accepted',
  earlyStarts: 'early starts',
  orderViolations: 'order violations',
  stuckQueues: 'stuck queues',
  processesLeftOver: 'processes left over',
  fencesNotGrowing: 'fences that did not grow',
  attemptsMiscounted: 'attempts miscounted',
  unclaimedStarts: 'starts without a claim',
  runnersEnded: 'runners ended by themselves',
  wrongRows: 'rows that are not as the runs are',
};

const casesShown = 50;

export function violationsIn({ verdict }: CampaignResult): number {
  return countNames.reduce((sum, name) => sum + verdict.counts[name], 0);
}

/** The result as `--json` prints it. */
export function campaignJson(options: CampaignOptions, result: CampaignResult): object {
  const { verdict, leftOut, tookMs, kept } = result;
  const { seed, queues, runners, leaseMs } = options;
  return {
    seed,
    queues,
    runners,
    leaseMs,
    runs: verdict.runs,
    attempts: verdict.attempts,
    faults: result.faults.length,
    faultsByKind: faultsByKind(result),
    leftOut,
    ...verdict.counts,
    violations: violationsIn(result),
    cases: verdict.cases,
    shortfalls: result.shortfalls,
    maxStandstill: verdict.maxStandstill,
    standstillBeyondFault: verdict.standstillBeyondFault,
    runnerLoopDelayMaxMs: result.runnerLoopDelayMaxMs,
    tookMs,
    kept,
  };
}

export function printCampaign(terminal: Terminal, options: CampaignOptions, result: CampaignResult): void {
  const { verdict, leftOut, kept } = result;
  const { colours } = terminal.out;
  const bad = (text: string): string => colours.red(text);
  const plain = (label: string, value: number | string): readonly Cell[] => [{ text: label }, { text: String(value) }];
  const made = faultsByKind(result);
  printRows(terminal, 'CAMPAIGN', [
    plain('seed', options.seed),
    plain('runners', options.runners),
    plain('queues', options.queues),
    plain('lease', `${options.leaseMs} ms`),
    plain('took', `${Math.round(result.tookMs / 1000)} s`),
    plain('runs', verdict.runs),
    plain('attempts', verdict.attempts),
  ]);
  printRows(terminal, 'FAULTS', [
    ...faultKinds.filter((kind) => made[kind] !== undefined).map((kind) => plain(kind, made[kind] ?? 0)),
    ...leftOut.map(({ kind, why }) => plain(kind, `left out: ${why}`)),
    plain(`all, of ${Object.keys(made).length} kinds`, result.faults.length),
  ]);
  printRows(
    terminal,
    'MUST BE 0',
    countNames.map((name) => [
      { text: countLabels[name] },
      { text: String(verdict.counts[name]), ...(verdict.counts[name] > 0 ? { paint: bad } : {}) },
    ]),
  );
  const afterFaults = faultKinds.flatMap((kind) =>
    verdict.standstillBeyondFault[kind] === undefined
      ? []
      : [plain(`after ${kind}`, `${verdict.standstillBeyondFault[kind]} ms beyond it`)],
  );
  printRows(terminal, 'STANDSTILL', [
    plain('longest, of a queue that was due', standstill(verdict.maxStandstill)),
    ...afterFaults,
    plain(
      "longest turn of a runner's loop",
      result.runnerLoopDelayMaxMs === null ? 'not known' : `${result.runnerLoopDelayMaxMs} ms`,
    ),
  ]);
  for (const each of result.shortfalls) terminal.print(bad(`not done as planned: ${escapeText(each)}`));
  for (const { count, what, run } of verdict.cases.slice(0, casesShown))
    terminal.print(bad(`${countLabels[count]}: ${escapeText(what)}${run === null ? '' : ` (run ${run})`}`));
  if (verdict.cases.length > casesShown)
    terminal.print(`… and ${verdict.cases.length - casesShown} more: --json lists them all`);
  if (kept !== null)
    terminal.print(
      `Kept: ${kept.folder}\n  cloudcode runs --project ${kept.project}${options.databaseUrl === undefined ? '' : ` --database ${kept.databaseUrl}`}`,
    );
}

function printRows(terminal: Terminal, title: string, rows: readonly (readonly Cell[])[]): void {
  // One width for all tables of the page.
  const { colours, width } = terminal.out;
  const table = layOutTable([{ title: title.padEnd(34) }, { title: '', canShrink: true }], rows, width());
  terminal.print(table.header(colours.dim));
  for (const row of rows) terminal.print(table.row(row));
  terminal.print('');
}

function standstill(longest: CampaignResult['verdict']['maxStandstill']): string {
  if (longest === null) return 'none';
  const where = longest.queue === null ? `run ${longest.run}` : longest.queue;
  return `${Math.round(longest.ms)} ms (${escapeText(where)}${longest.fault === null ? '' : `, after ${longest.fault}`})`;
}

function faultsByKind({ faults }: CampaignResult): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries(
    faultKinds.flatMap((kind) => (counts.has(kind) ? [[kind, counts.get(kind)]] : [])) as [string, number][],
  );
}
