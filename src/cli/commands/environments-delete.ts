import type { Command } from 'commander';
import { resultOf } from '../../client/backend.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { counted } from '../../engine/core/counted.ts';
import { type EnvironmentContentsBody, environments as operations } from '../../service/api/environments.ts';
import { catchInterrupts } from '../interrupts.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { readLine } from '../read-variables.ts';
import { resolveBackend } from '../resolve-backend.ts';
import { followSteps } from '../terminal/follow-steps.ts';

export function addEnvironmentsDelete(environments: Command): void {
  const remove = environments
    .command('delete')
    .argument('<name>', 'the environment')
    .description('delete an environment with its runs, data, variables and deployments')
    .option('--confirm <name>', 'its name once more; without it, it is asked for on a terminal')
    .addHelpText(
      'after',
      `
It tells what goes, cancels what runs, waits until the processes are gone, and deletes everything.
When it was interrupted, the same command goes on with it.

Examples:
  $ cloudcode environments delete customer-7
  $ cloudcode environments delete customer-7 --confirm customer-7`,
    );
  remove.action((name: string, { confirm }: { readonly confirm?: string }) =>
    invoke(remove, (invocation) => deleteOne(invocation, name, confirm)),
  );
}

async function deleteOne(
  { terminal, global }: Invocation,
  name: string,
  confirmed: string | undefined,
): Promise<number> {
  using interrupts = catchInterrupts(terminal);
  const { backend, close } = await resolveBackend({ ...global, environment: name });
  try {
    const contents = await backend.call(operations.show, {});
    terminal.tell(`With the environment ${name} go ${describeContents(contents)}.`);
    const confirm = confirmed ?? (await askForName(name));
    using steps = followSteps(terminal.err, { live: { above: terminal.err.write }, show: null });
    const deleted = await resultOf(
      backend.follow(operations.delete, { body: { confirm } }, interrupts.signal),
      steps.at,
    );
    if (deleted === null) {
      terminal.tell('Interrupted: the same command goes on with it.');
      return exitStatuses.failed;
    }
    if (terminal.json) terminal.printJson(deleted);
    else terminal.print(`Deleted the environment ${name}.`);
    return exitStatuses.done;
  } finally {
    await close();
  }
}

async function askForName(name: string): Promise<string> {
  const hint = `For scripts: cloudcode environments delete ${name} --confirm ${name}`;
  if (!process.stdin.isTTY)
    throw new CloudCodeError(
      'not_confirmed',
      `To delete the environment \`${name}\`, its name has to be given again.`,
      {
        hint,
      },
    );
  process.stderr.write(`Type its name to delete all of that: `);
  return (await readLine(false)) ?? '';
}

function describeContents({ runs, running, objects, variables, deployments }: EnvironmentContentsBody): string {
  const stored = objects === null ? 'objects (too many to count)' : counted(objects, 'object');
  const ofRuns = `${counted(runs, 'run')}${running === 0 ? '' : ` (${running} of them running, which are cancelled)`}`;
  return `${ofRuns}, ${stored}, ${counted(variables, 'variable')} and ${counted(deployments, 'deployment')}`;
}
