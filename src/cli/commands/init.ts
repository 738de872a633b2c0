import type { Command } from 'commander';
import { relative } from 'node:path';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .argument('[dir]', 'the new folder; the current one unless given')
    .description('write a new project that runs at once')
    .addHelpText(
      'after',
      `
Examples:
  $ cloudcode init my-app
  $ cd my-app && npm install && npx cloudcode dev`,
    );
  refuseUnused(command, 'environment', 'url', 'token', 'database', 'data');
  command.action((dir: string | undefined) => invoke(command, (invocation) => init(invocation, dir)));
}

async function init({ terminal, global }: Invocation, dir: string | undefined): Promise<number> {
  if (dir !== undefined && global.projectGiven)
    throw new CloudCodeError('wrong_usage', 'Both a folder and --project are given: a new project has one folder.', {
      hint: 'Leave one of them out.',
    });
  const [{ initProject }, { dataInProject }] = await Promise.all([
    import('../../project/init-project.ts'),
    import('../../data/source/project-extension.ts'),
  ]);
  const written = await initProject(dir ?? global.project, dataInProject);
  if (terminal.json) {
    terminal.printJson(written);
    return exitStatuses.done;
  }
  const { colours } = terminal.out;
  terminal.print(`A new project in ${written.folder}:`);
  for (const file of written.files) terminal.print(`  ${file}`);
  terminal.print('');
  if (written.oldNode !== null)
    terminal.print(
      `This machine's Node is ${written.oldNode}, which is too old: npm install brings Node 24 for this project.\n`,
    );
  terminal.print('Next:');
  const steps = [
    ...stepsInto(written.folder),
    ['npm install', "the command, and your editor's types"],
    ['npx cloudcode run count_primes --drain', 'runs a task, and what it schedules'],
    ['npx cloudcode dev', 'serves the project; README.md says what is in it'],
  ] as const;
  const width = Math.max(...steps.map(([line]) => line.length));
  for (const [line, why] of steps)
    terminal.print(`  ${colours.cyan(line)}${' '.repeat(width - line.length)}  ${why}`.trimEnd());
  return exitStatuses.done;
}

function stepsInto(folder: string): (readonly [line: string, why: string])[] {
  const way = relative(process.cwd(), folder);
  if (way === '') return [];
  const shown = way.startsWith('..') ? folder : way;
  return [[`cd ${/^[\w./@%+,:-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`}`, '']];
}
