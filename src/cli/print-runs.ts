import type { Run } from '../engine/core/run.ts';
import { firstLine, paintState, tookMs } from './describe-run.ts';
import { escapeText } from './terminal/escape-text.ts';
import { duration, relativeTime } from './terminal/relative-time.ts';
import { layOutTable, type Cell, type Table } from './terminal/table.ts';
import type { Terminal } from './terminal/terminal.ts';

export interface RunsPrinter {
  print(runs: readonly Run[]): void;
  /** Says so when there was nothing. */
  end(): void;
}

const columns = [
  { title: 'RUN' },
  { title: 'TASK', canShrink: true },
  { title: 'STATE' },
  { title: 'QUEUE', canShrink: true },
  { title: 'WHEN' },
  { title: 'TOOK', alignRight: true },
  { title: 'ATTEMPTS', alignRight: true },
  { title: 'ERROR', canShrink: true },
];

/** Characters. */
const maxError = 200;

/** Prints runs as a table, a page at a time; the first page sets the columns' widths. */
export function runsPrinter(terminal: Terminal): RunsPrinter {
  const { colours, width } = terminal.out;
  let table: Table | null = null;
  return {
    print(runs) {
      const now = Date.now();
      const rows = runs.map((run) => cellsOf(run, terminal, now));
      if (table === null && rows.length > 0) {
        table = layOutTable(columns, rows, width());
        terminal.print(table.header(colours.dim));
      }
      for (const row of rows) terminal.print(table?.row(row) ?? '');
    },
    end() {
      if (table === null) terminal.print('No runs.');
    },
  };
}

function cellsOf(run: Run, { out: { colours } }: Terminal, now: number): Cell[] {
  const took = tookMs(run, now);
  const error = run.error ?? run.attempts.at(-1)?.error ?? null;
  return [
    { text: run.id },
    { text: escapeText(run.task) },
    { text: run.state, paint: () => paintState(colours, run.state) },
    run.queue === null ? { text: '-', paint: colours.dim } : { text: escapeText(run.queue) },
    { text: whenOf(run, now) },
    { text: took === null ? '' : duration(took) },
    { text: `${run.attempts.length}`, ...(run.attempts.length > 1 ? { paint: colours.yellow } : {}) },
    { text: error === null ? '' : escapeText(beginningOf(firstLine(error.message))), paint: colours.red },
  ];
}

function beginningOf(message: string): string {
  return message.length > maxError ? `${message.slice(0, maxError)}…` : message;
}

function whenOf(run: Run, now: number): string {
  switch (run.state) {
    case 'scheduled':
      return run.retryAt === null ? relativeTime(run.dueAt, now) : `retry ${relativeTime(run.retryAt, now)}`;
    case 'queued':
      return `due ${relativeTime(run.dueAt, now)}`;
    case 'running':
      return `since ${relativeTime(run.attempts.at(-1)?.startedAt ?? run.startedAt ?? run.dueAt, now).replace(' ago', '')}`;
    case 'succeeded':
    case 'failed':
    case 'dead':
    case 'cancelled':
      return relativeTime(run.finishedAt ?? run.createdAt, now);
  }
}
