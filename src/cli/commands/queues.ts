import type { Command } from 'commander';
import { allQueues } from '../../client/backend.ts';
import type { Queue } from '../../engine/core/run.ts';
import { parseQueue } from '../../engine/core/schedule-request.ts';
import { queues as operations } from '../../service/api/queues.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { refuseExtraArguments, refuseWhatSubcommandsIgnore } from '../refuse-extra-arguments.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { escapeText } from '../terminal/escape-text.ts';
import { relativeTime } from '../terminal/relative-time.ts';
import { layOutTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

export function addQueues(program: Command): void {
  const queues = program
    .command('queues')
    .description('list the queues that have something to do or are paused')
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode queues
  $ cloudcode queues pause import
  $ cloudcode queues resume import`,
    );
  queues.action(() =>
    invoke(queues, (invocation) => {
      refuseExtraArguments(queues);
      return list(invocation);
    }),
  );
  const pause = queues
    .command('pause')
    .argument('<name>', 'the queue')
    .description('start no more runs of a queue; one that runs goes on');
  pause.action((name: string) => invoke(pause, (invocation) => change(invocation, name, operations.pauseNamed)));
  const resume = queues.command('resume').argument('<name>', 'the queue').description('go on with a paused queue');
  resume.action((name: string) => invoke(resume, (invocation) => change(invocation, name, operations.resumeNamed)));
  refuseWhatSubcommandsIgnore(queues);
}

async function list({ terminal, global }: Invocation): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const queues = await allQueues(backend);
    if (terminal.json) terminal.printJson({ queues });
    else printQueues(terminal, queues);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

async function change(
  { terminal, global }: Invocation,
  name: string,
  operation: typeof operations.pauseNamed | typeof operations.resumeNamed,
): Promise<number> {
  parseQueue(name);
  const { backend, close } = await resolveBackend(global);
  try {
    const queue = await backend.call(operation, { body: { queue: name } });
    if (terminal.json) terminal.printJson(queue);
    else printQueues(terminal, [queue]);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

function printQueues(terminal: Terminal, queues: readonly Queue[]): void {
  const { colours, width } = terminal.out;
  if (queues.length === 0) {
    terminal.print('No queue has anything to do.');
    return;
  }
  const now = Date.now();
  const rows = queues.map((queue) => [
    { text: escapeText(queue.name) },
    { text: String(queue.queued) },
    { text: String(queue.scheduled) },
    { text: queue.running ?? '-', paint: queue.running === null ? colours.dim : colours.cyan },
    { text: queue.oldestDueAt === null ? '-' : relativeTime(queue.oldestDueAt, now) },
    { text: queue.paused ? 'paused' : '', paint: colours.yellow },
  ]);
  const table = layOutTable(
    [
      { title: 'QUEUE', canShrink: true },
      { title: 'QUEUED', alignRight: true },
      { title: 'LATER', alignRight: true },
      { title: 'RUNNING' },
      { title: 'OLDEST DUE' },
      { title: '' },
    ],
    rows,
    width(),
  );
  terminal.print(table.header(colours.dim));
  for (const row of rows) terminal.print(table.row(row));
}
