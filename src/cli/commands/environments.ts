import type { Command } from 'commander';
import { type EnvironmentBody, environments as operations } from '../../service/api/environments.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { refuseExtraArguments, refuseUnused, refuseWhatSubcommandsIgnore } from '../refuse-extra-arguments.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { relativeTime } from '../terminal/relative-time.ts';
import { layOutTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { addEnvironmentsDelete } from './environments-delete.ts';

export function addEnvironments(program: Command): void {
  const environments = program
    .command('environments')
    .description('list the environments: each has data, variables, deployments, runs and queues of its own')
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
A name has 1 to 100 letters, digits, _ and -.

Examples:
  $ cloudcode environments
  $ cloudcode environments list --json
  $ cloudcode environments create customer-7
  $ cloudcode environments delete customer-7`,
    );
  refuseUnused(environments, 'environment');
  environments.action(() =>
    invoke(environments, (invocation) => {
      refuseExtraArguments(environments);
      return list(invocation);
    }),
  );
  const listing = environments.command('list').description('the same');
  listing.action(() => invoke(listing, list));
  const create = environments
    .command('create')
    .argument('<name>', 'its name: 1 to 100 letters, digits, _ and -')
    .description('make an environment');
  create.action((name: string) => invoke(create, (invocation) => createOne(invocation, name)));
  addEnvironmentsDelete(environments);
  refuseWhatSubcommandsIgnore(environments);
}

async function list({ terminal, global }: Invocation): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const { environments } = await backend.call(operations.list, {});
    if (terminal.json) terminal.printJson({ environments });
    else printEnvironments(terminal, environments);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

async function createOne({ terminal, global }: Invocation, name: string): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const made = await backend.call(operations.create, { body: { name } });
    if (terminal.json) terminal.printJson(made);
    else
      terminal.print(`Made the environment ${made.name}. To deploy to it: cloudcode deploy --environment ${made.name}`);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

function printEnvironments(terminal: Terminal, environments: readonly EnvironmentBody[]): void {
  const { colours, width } = terminal.out;
  const now = Date.now();
  const rows = environments.map(({ name, deployedAt, deleting }) => [
    { text: name },
    { text: deployedAt === null ? '-' : relativeTime(deployedAt, now) },
    { text: deleting ? 'being deleted' : '', paint: colours.yellow },
  ]);
  const table = layOutTable(
    [{ title: 'ENVIRONMENT', canShrink: true }, { title: 'DEPLOYED' }, { title: '' }],
    rows,
    width(),
  );
  terminal.print(table.header(colours.dim));
  for (const row of rows) terminal.print(table.row(row));
}
