// Runs packages that people use as tasks and in plain Node, and compares: `npm run test:packages`, with `-- --quick` a dozen of them, or `-- NAME…` those whose kind or name has that.
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { argv, exit, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { testDatabaseUrl } from '../support/postgres.ts';
import { type Case, listCases, projectFolder, quickCases, quickFolder } from './cases.ts';
import type { ModuleType } from './lay-out.ts';
import { writeReport } from './report.ts';
import { tryCase, type Tried } from './try-case.ts';

const { values, positionals } = parseArgs({ args: argv.slice(2), allowPositionals: true, options: { quick: { type: 'boolean', default: false }, report: { type: 'boolean', default: false }, commonjs: { type: 'boolean', default: false } } });
const installed = values.quick ? quickFolder : projectFolder;
if (!existsSync(join(installed, 'node_modules'))) {
  stdout.write(`The packages are not installed. To install them: npm ci --prefix test/packages/${basename(installed)}\n`);
  exit(2);
}
const type: ModuleType = values.commonjs ? 'commonjs' : 'module';
const isWanted = ({ kind, name }: Case): boolean => (values.quick ? quickCases.includes(name) : positionals.length === 0 || positionals.some((part) => `${kind}/${name}`.includes(part)));
const wanted = listCases().filter(isWanted);
const [store, tasks] = [await testDatabaseUrl(), await testDatabaseUrl()];
const all: Tried[] = [];
try {
  for (const each of wanted) {
    const tried = await tryCase(each, type, { installed, store: store.url, tasks: tasks.url });
    all.push(tried);
    stdout.write(`${all.length}/${wanted.length} ${each.kind}/${each.name}: ${tried.verdict}${tried.detail === null ? '' : `\n    ${tried.detail.split('\n').slice(0, 6).join('\n    ')}`}\n`);
  }
} finally {
  await store.dispose();
  await tasks.dispose();
}
writeFileSync(join(installed, '.work', 'results.json'), JSON.stringify(all, null, 2));
const count = (verdict: Tried['verdict']): number => all.filter((tried) => tried.verdict === verdict).length;
stdout.write(`\n${all.length} tried: works ${count('works')}, differs ${count('differs')}, fails ${count('fails')}, fails in plain Node ${count('fails in plain Node')}, untried ${count('untried')}\n`);
if (values.report) writeReport(all);
exit(all.length > 0 && count('differs') + count('fails') === 0 ? 0 : 1);
