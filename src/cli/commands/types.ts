import type { Command } from 'commander';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';

export function addTypes(program: Command): void {
  const command = program
    .command('types')
    .description(
      "write cloudcode-env.d.ts: the compiler then checks scheduleTask's names and parameters, and DB's models and fields",
    )
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode types
  $ cloudcode types && npx tsc --noEmit`,
    );
  refuseUnused(command, 'environment', 'url', 'token', 'database', 'data');
  command.action(() => invoke(command, types));
}

async function types({ terminal, global }: Invocation): Promise<number> {
  const [{ writeTypes }, { dataInProject }] = await Promise.all([
    import('../../project/write-types.ts'),
    import('../../data/source/project-extension.ts'),
  ]);
  const file = await writeTypes(global.project, dataInProject);
  if (terminal.json) terminal.printJson({ file });
  else terminal.print(`Wrote ${file}`);
  return exitStatuses.done;
}
