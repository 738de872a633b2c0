import type { Command } from 'commander';
import type { Backend } from '../../client/backend.ts';
import { checkVariableName, type VariableToSet } from '../../engine/core/variables.ts';
import { type VariableBody, variables as operations } from '../../service/api/variables.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { readValue, readVariablesFile } from '../read-variables.ts';
import { refuseBothWays, refuseExtraArguments, refuseWhatSubcommandsIgnore } from '../refuse-extra-arguments.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { escapeText } from '../terminal/escape-text.ts';
import { layOutTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface SetOptions {
  readonly masked?: boolean;
}

export function addVariables(program: Command): void {
  const variables = program
    .command('variables')
    .description("list an environment's variables: what its tasks find in process.env")
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
What was set here counts before the configuration of the project.

Examples:
  $ cloudcode variables
  $ cloudcode variables set GREETING 'Good morning'
  $ cloudcode variables set API_KEY --masked < key.txt
  $ cloudcode variables import production.env --environment production --masked
  $ cloudcode variables unset GREETING`,
    );
  variables.action(() =>
    invoke(variables, (invocation) => {
      refuseExtraArguments(variables);
      return list(invocation);
    }),
  );
  const listing = variables.command('list').description('the same');
  listing.action(() => invoke(listing, list));
  addSet(variables);
  addImport(variables);
  const unset = variables
    .command('unset')
    .argument('<name...>', 'variables that were set')
    .description("take back what was set; the configuration's counts again");
  unset.action((names: readonly string[]) =>
    invoke(unset, (invocation) =>
      change(invocation, async (backend) => {
        await backend.call(operations.unset, { body: { names } });
        return names.map((name) => ({ name, done: 'unset' }));
      }),
    ),
  );
  refuseWhatSubcommandsIgnore(variables);
}

function addSet(variables: Command): void {
  const set = variables
    .command('set')
    .argument('<name>', 'letters, digits and _')
    .argument('[value]', 'standard input when it is not given: it is in no history of a shell then')
    .description('set a variable')
    .option('--masked', 'encrypt it, never show it again, and print *** in its place')
    .option('--no-masked', 'a variable that is masked becomes a plain one')
    .addHelpText(
      'after',
      `
One that is masked stays so unless --no-masked is given. Of standard input one line break at the end is left out.

Examples:
  $ cloudcode variables set GREETING 'Good morning'
  $ cloudcode variables set API_KEY --masked
  $ cloudcode variables set API_KEY --masked --environment production < key.txt`,
    );
  refuseBothWays(set, 'masked');
  set.action((name: string, value: string | undefined) =>
    invoke(set, async (invocation) => {
      checkVariableName(name);
      const masked = set.getOptionValueSource('masked') === 'cli' ? set.opts<SetOptions>().masked : undefined;
      const text = value ?? (await readValue(name, { terminal: invocation.terminal, isMasked: masked === true }));
      return change(invocation, (backend) => setAll(backend, [{ name, value: text, masked }]));
    }),
  );
}

function addImport(variables: Command): void {
  const load = variables
    .command('import')
    .argument('<file>', 'a file of lines NAME=VALUE, as Node reads .env; - is standard input')
    .description('set all variables of a file, or none')
    .option('--masked', 'all of them')
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode variables import .env
  $ cloudcode variables import production.env --environment production --masked`,
    );
  load.action((file: string, { masked }: SetOptions) =>
    invoke(load, async (invocation) => {
      const read = await readVariablesFile(file);
      return change(invocation, (backend) =>
        setAll(
          backend,
          read.map((each) => ({ ...each, masked })),
        ),
      );
    }),
  );
}

interface Changed {
  readonly name: string;
  readonly done: string;
}

async function setAll(backend: Backend, variables: readonly VariableToSet[]): Promise<readonly Changed[]> {
  const set = await backend.call(operations.set, { body: { variables: [...variables] } });
  return set.variables.map(({ name, masked }) => ({ name, done: masked ? 'set, masked' : 'set' }));
}

async function list({ terminal, global }: Invocation): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const { variables } = await backend.call(operations.list, {});
    if (terminal.json) terminal.printJson({ variables });
    else printVariables(terminal, variables);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

async function change(
  { terminal, global }: Invocation,
  carryOut: (backend: Backend) => Promise<readonly Changed[]>,
): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const changed = await carryOut(backend);
    if (terminal.json) {
      terminal.printJson(await backend.call(operations.list, {}));
      return exitStatuses.done;
    }
    for (const { name, done } of changed) terminal.print(`${name}: ${done}`);
    terminal.tell(`Attempts that begin in ${global.environment} from now on have it so.`);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

function printVariables(terminal: Terminal, variables: readonly VariableBody[]): void {
  const { colours, width } = terminal.out;
  if (variables.length === 0) {
    terminal.print('No variables. To set one: cloudcode variables set NAME VALUE');
    return;
  }
  const rows = variables.map(({ name, value, masked, source }) => [
    { text: escapeText(name) },
    masked ? { text: '***', paint: colours.dim } : { text: escapeText(value ?? '') },
    { text: source === 'configuration' ? 'configuration' : '', paint: colours.dim },
  ]);
  const table = layOutTable([{ title: 'NAME' }, { title: 'VALUE', canShrink: true }, { title: '' }], rows, width());
  terminal.print(table.header(colours.dim));
  for (const row of rows) terminal.print(table.row(row));
}
