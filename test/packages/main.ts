// Runs packages that people use as tasks and in plain Node, and compares: `npm run test:packages`, with `-- --quick` a dozen of them, or `-- NAME…` those whose kind or name has that.
// `--commonjs`: in projects without `"type": "module"`. `--jobs N`: so many at a time. `--report`: writes the table of docs/packages.md from what was tried last of each.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import process, { argv, exit, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { useMemoryFolder } from '../support/memory-folder.ts';
import { testDatabaseUrl } from '../support/postgres.ts';
import { type Case, listCases, projectFolder, quickCases, quickFolder } from './cases.ts';
import { keptResults } from './kept-results.ts';
import type { ModuleType } from './lay-out.ts';
import { writeReport } from './report.ts';
import { tryCase, type Tried } from './try-case.ts';

const flag = { type: 'boolean', default: false } as const;
const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: { quick: flag, report: flag, commonjs: flag, jobs: { type: 'string', default: '2' } },
});
const installed = values.quick ? quickFolder : projectFolder;
if (!existsSync(join(installed, 'node_modules'))) {
  stdout.write(
    `The packages are not installed. To install them: npm ci --prefix test/packages/${basename(installed)}\n`,
  );
  exit(2);
}
const type: ModuleType = values.commonjs ? 'commonjs' : 'module';
const isWanted = ({ kind, name }: Case): boolean =>
  values.quick
    ? quickCases.includes(name)
    : positionals.length === 0 || positionals.some((part) => `${kind}/${name}`.includes(part));
const wanted = listCases().filter(isWanted);
useMemoryFolder();
const results = keptResults(join(installed, '.work', 'results.json'));
// A store for each that runs at the same time: a deployment takes the place of the one before.
const stores = await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, () => testDatabaseUrl()));
const tasks = await testDatabaseUrl();
const all: Tried[] = [];
const due = [...wanted];
async function tryThem(store: string): Promise<void> {
  for (let each = due.shift(); each !== undefined; each = due.shift()) {
    const tried = await tryCase(each, type, { installed, store, tasks: tasks.url });
    all.push(tried);
    results.keep(tried);
    stdout.write(
      `${all.length}/${wanted.length} ${each.kind}/${each.name}: ${tried.verdict}${tried.detail === null ? '' : `\n    ${tried.detail.split('\n').slice(0, 6).join('\n    ')}`}\n`,
    );
  }
}
try {
  await Promise.all(stores.map(({ url }) => tryThem(url)));
} finally {
  await Promise.all([...stores, tasks].map((database) => database.dispose()));
}
const count = (verdict: Tried['verdict']): number => all.filter((tried) => tried.verdict === verdict).length;
stdout.write(
  `\n${all.length} tried: works ${count('works')}, differs ${count('differs')}, fails ${count('fails')}, fails in plain Node ${count('fails in plain Node')}, untried ${count('untried')}\n`,
);
if (values.report) writeReport(results.all());
// Not at once: the databases' server is stopped in order.
process.exitCode = count('works') > 0 && count('differs') + count('fails') + count('fails in plain Node') === 0 ? 0 : 1;
