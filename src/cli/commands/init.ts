import type { Command } from 'commander';
import { relative } from 'node:path';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .argument('[dir]', 'the new folder; the current one unless given')
    .description('write a new project that runs at once')
    .addHelpText('after', `
Examples:
  $ cloudcode init my-app
  $ cd my-app && npx cloudcode dev`);
  command.action((dir: string | undefined) => invoke(command, (invocation) => init(invocation, dir)));
}

async function init({ terminal, global }: Invocation, dir: string | undefined): Promise<number> {
  const { initProject } = await import('../../project/init-project.ts');
  const written = await initProject(dir ?? global.project);
  if (terminal.json) {
    terminal.printJson(written);
    return exitStatuses.done;
  }
  const { colours } = terminal.out;
  const shown = relative(process.cwd(), written.folder);
  terminal.print(`A new project in ${written.folder}:`);
  for (const file of written.files) terminal.print(`  ${file}`);
  terminal.print('');
  terminal.print('Next:');
  if (shown !== '') terminal.print(`  ${colours.cyan(`cd ${shown.startsWith('..') ? written.folder : shown}`)}`);
  terminal.print(`  ${colours.cyan('npm install')}      for the command and your editor's types`);
  terminal.print(`  ${colours.cyan('npx cloudcode dev')}  serves it; README.md says what is in it`);
  return exitStatuses.done;
}
