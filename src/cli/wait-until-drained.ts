import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../client/backend.ts';
import type { Backlog, Run } from '../engine/core/run.ts';
import { runs } from '../service/api/runs.ts';
import { firstLine, paintState } from './describe-run.ts';
import { escapeText } from './terminal/escape-text.ts';
import type { Terminal } from './terminal/terminal.ts';

const pauseMs = 200;

/** Resolves when nothing is queued, running or in back-off and nothing comes due within a minute, or when the signal aborts. */
export async function waitUntilDrained(
  backend: Backend,
  options: { readonly status: { text: string }; readonly signal: AbortSignal },
): Promise<void> {
  const { status, signal } = options;
  while (!signal.aborted) {
    const asked = performance.now();
    const backlog = await backend.call(runs.summariseBacklog, {});
    const work = describeWork(backlog);
    if (work === '') return;
    status.text = `draining: ${work}`;
    // A long backlog takes long to count: ask the more seldom.
    await sleep(Math.max(pauseMs, (performance.now() - asked) * 10), undefined, { signal }).catch(() => undefined);
  }
}

/** Says which runs besides one have ended since that was scheduled: what followed from it, and what was waiting. */
export async function tellEnded(backend: Backend, terminal: Terminal, scheduled: Run): Promise<void> {
  const { counts, failures } = await backend.call(runs.summariseEnded, {
    since: scheduled.createdAt,
    besides: scheduled.id,
  });
  if (counts.length === 0) return;
  const { colours } = terminal.err;
  terminal.tell(
    `Ended besides: ${counts.map(({ task, state, runs }) => `${runs} of ${escapeText(task)} ${paintState(colours, state)}`).join(', ')}.`,
  );
  for (const { id, task, state, message } of failures) {
    terminal.tell(
      `  ${id} ${escapeText(task)} ${paintState(colours, state)}${message === null ? '' : `: ${escapeText(firstLine(message))}`}`,
    );
  }
  const unlisted =
    counts.reduce((sum, { state, runs }) => sum + (state === 'failed' || state === 'dead' ? runs : 0), 0) -
    failures.length;
  if (unlisted > 0) terminal.tell(`  and ${unlisted} more: cloudcode runs --state failed, cloudcode runs --state dead`);
}

/** Says what was left undone, if anything was. */
export async function tellLeft(backend: Backend, terminal: Terminal, intro: string): Promise<void> {
  const backlog = await backend.call(runs.summariseBacklog, {});
  const parts = [
    describeWork({ ...backlog, running: 0 }),
    count(backlog.later, 'due later'),
    pausedPart(backlog),
  ].filter((part) => part !== '');
  if (parts.length > 0) terminal.tell(`${intro}: ${parts.join(', ')}.`);
}

function describeWork(backlog: Backlog): string {
  const parts = [
    count(backlog.running, 'running'),
    count(backlog.queued, 'queued'),
    count(backlog.inBackOff, 'in back-off'),
    count(backlog.dueSoon, 'due within a minute'),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function pausedPart({ paused, pausedQueues }: Backlog): string {
  if (paused === 0) return '';
  const shown = pausedQueues.slice(0, 10).map(escapeText).join(', ');
  return `${count(paused, 'in paused queues')} (${shown}${pausedQueues.length > 10 ? ', …' : ''})`;
}

function count(runs: number, what: string): string {
  return runs === 0 ? '' : `${runs} ${runs === 1 ? 'run' : 'runs'} ${what}`;
}
