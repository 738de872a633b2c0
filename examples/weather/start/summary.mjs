// What is said at the end: where the report is, what ran, and where to look next.
import path from 'node:path';
import { readProgress } from './import.mjs';

const project = '--project examples/weather';

export function summarise(runs, { url, folder }) {
  const { broken, report } = readProgress(runs);
  return [
    '',
    report === 'written' ? `Report   ${path.join(folder, 'output', 'report.html')}` : 'The report was not written.',
    ...runs.filter((run) => run.task === 'send_mail' && run.result).map((run) => `Mail     ${run.result.how}`),
    '',
    ...describeRuns(runs),
    '',
    ...broken.map(
      (run) =>
        `${run.task} ${run.id} is ${run.state}: ${run.error?.message ?? 'no reason was given'} (npx cloudcode runs retry ${run.id} ${project})`,
    ),
    'Where to look next',
    ...layOut(
      [
        [`  npx cloudcode runs ${project}`, 'every run, newest first'],
        [`  npx cloudcode runs logs ${runs.at(-1).id} ${project}`, 'what the first run printed'],
        [`  npx cloudcode queues ${project}`, 'the lines at which runs wait'],
        [`  npx cloudcode run import_csv ${project}`, 'the same once more'],
        [`  ${url}/api/v1/environments/testing/runs`, 'the HTTP API'],
        ['  examples/weather/README.md', 'what each task shows'],
      ],
      ['left', 'left'],
    ),
    '',
  ].join('\n');
}

function describeRuns(runs) {
  const tasks = [...Map.groupBy(runs, (run) => run.task)].reverse();
  const rows = tasks.map(([task, own]) => [
    task,
    String(own.length),
    String(own.reduce((total, run) => total + run.attempts.length, 0)),
    own.find((run) => run.queue)?.queue ?? '-',
    ...spread(own.flatMap(waitOf)),
    ...spread(own.flatMap(workOf)),
  ]);
  const head = ['task', 'runs', 'attempts', 'queue', 'wait p50', 'max', 'work p50', 'max'];
  const sides = ['left', 'right', 'right', 'left', 'right', 'right', 'right', 'right'];
  return [...layOut([head, ...rows], sides), '', totals(runs), ...retries(runs)];
}

function totals(runs) {
  const wallMs =
    Math.max(...runs.map((run) => Date.parse(run.finishedAt))) -
    Math.min(...runs.map((run) => Date.parse(run.createdAt)));
  return `${runs.length} runs, each attempt in a process of its own, in ${(wallMs / 1000).toFixed(1)} s from the first one scheduled to the last one ended.`;
}

function retries(runs) {
  const unfinished = runs
    .flatMap((run) => run.attempts)
    .filter((attempt) => attempt.outcome !== 'returned' && attempt.outcome !== 'threw');
  if (unfinished.length === 0) return [];
  const outcomes = [...Map.groupBy(unfinished, (attempt) => attempt.outcome)].map(
    ([outcome, own]) => `${own.length} ${outcome}`,
  );
  return [`Attempts without an answer, tried again: ${outcomes.join(', ')}.`];
}

function waitOf(run) {
  const first = run.attempts[0];
  return first === undefined ? [] : [Date.parse(first.startedAt) - Date.parse(run.dueAt)];
}

function workOf(run) {
  return run.attempts
    .filter((attempt) => attempt.finishedAt)
    .map((attempt) => Date.parse(attempt.finishedAt) - Date.parse(attempt.startedAt));
}

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const show = (value) => (value === undefined ? '-' : `${value} ms`);
  return [show(sorted[Math.floor((sorted.length - 1) / 2)]), show(sorted.at(-1))];
}

function layOut(rows, sides) {
  const widths = sides.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const place = (cell, column) =>
    sides[column] === 'left' ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return rows.map((row) => row.map(place).join('  ').trimEnd());
}
