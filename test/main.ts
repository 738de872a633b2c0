// Runs the tests in processes of their own, one for each file, on one PostgreSQL server. `npm test` runs all; `npm test -- PATTERN` the files whose path has the text, or else the tests whose
// name has it; `npm run test:quick` those that start no other process.
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import process, { argv, env, exit, stderr } from 'node:process';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../src/package-root.ts';
import { describeFailure } from './support/failed-test.ts';
import { useMemoryFolder } from './support/memory-folder.ts';
import { startTestServer } from './support/postgres.ts';

/** Units and the store: folders of tests without processes of their own that take a minute and a half together on two cores. `npm run check` has those of the architecture. */
const quick = ['bench', 'data/expression', 'data/model', 'engine/core', 'engine/protocol', 'engine/store', 'sdk'];
/** Folders with files that take the longest come first: none of them is to run alone at the end. */
const long = [
  'rules',
  'faults',
  'engine/store/embedded',
  'guarantees',
  'examples',
  'docs',
  'engine/fork-server',
  'cli',
  'engine/worker',
  'chaos',
];
/** Much of a test's time is waiting: for leases, back-offs, other processes. */
const filesAtOnce = availableParallelism() + 2;
const slowest = 12;

const texts = argv.slice(2).filter((argument) => !argument.startsWith('--'));
const chosen = choose();
if (chosen === null) {
  stderr.write(`No test file has \`${texts.join(' ')}\` in its path or in its text.\n`);
  exit(2);
}

useMemoryFolder();
const server = await startTestServer();
Object.assign(env, { CLOUDCODE_TEST_DATABASE_URL: server.url, CLOUDCODE_TEST_TEMPLATE: server.template });
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

const took = new Map<string, number>();
const skipped: string[] = [];
const failed: string[] = [];
const note = ({
  name,
  file = '',
  nesting,
  skip,
  details,
}: {
  name: string;
  file?: string;
  nesting: number;
  skip?: string | boolean;
  details: { duration_ms: number };
}): void => {
  const path = relative(packageRoot, file);
  if (nesting === 0) took.set(path, (took.get(path) ?? 0) + details.duration_ms);
  if (skip !== undefined && skip !== false)
    skipped.push(`${path}: ${name}${typeof skip === 'string' && skip !== '' ? ` (${skip})` : ''}`);
};
const tests = run({
  files: chosen.files,
  concurrency: filesAtOnce,
  signal: interrupted.signal,
  ...(chosen.names.length > 0 ? { testNamePatterns: chosen.names } : {}),
  execArgv: ['--import', pathToFileURL(join(import.meta.dirname, 'support/compile-cache.ts')).href],
});
tests.on('test:pass', note).on('test:fail', note);
tests.on('test:fail', (failure) => {
  const text = describeFailure(failure);
  if (text !== null) failed.push(text);
});
tests.on('test:summary', ({ file, success }) => {
  if (file === undefined && !success) process.exitCode = 1;
});
for await (const text of tests.pipe(new spec()) as AsyncIterable<string>) process.stdout.write(text);
await server.stop();

if (chosen.files.length > slowest) {
  const files = [...took].toSorted(([, one], [, other]) => other - one).slice(0, slowest);
  process.stdout.write(
    `\nthe slowest files\n${files.map(([path, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${path}\n`).join('')}`,
  );
}
if (skipped.length > 0) process.stdout.write(`\nskipped\n${skipped.map((each) => `  ${each}\n`).join('')}`);
// Who tries a change on a machine of their own may lack what some tests need; what nobody ran is not passed.
if (skipped.length > 0 && env['CI'] !== undefined) {
  process.stdout.write(
    '\nThis is CI (the variable CI is set): a test that is skipped fails it. Give the machine what it lacks.\n',
  );
  process.exitCode = 1;
}
// Last: who looks at the end of a long output sees why it failed. .ci/run shows it again after everything else.
if (failed.length > 0) process.stdout.write(`\nfailed tests\n\n${failed.join('\n\n')}\n`);

function choose(): { readonly files: string[]; readonly names: string[] } | null {
  const rank = (path: string): number => (long.includes(folderOf(path)) ? long.indexOf(folderOf(path)) : long.length);
  const all = globSync('**/*.test.ts', { cwd: import.meta.dirname }).toSorted(
    (one, other) => rank(one) - rank(other) || (one < other ? -1 : 1),
  );
  const paths = argv.includes('--quick') ? all.filter((path) => quick.includes(folderOf(path))) : all;
  if (texts.length === 0) return { files: paths.map(absolute), names: [] };
  const files = paths.filter((path) => texts.some((text) => join('test', path).includes(text)));
  if (files.length > 0) return { files: files.map(absolute), names: [] };
  const withText = paths.filter((path) => texts.some((text) => readFileSync(absolute(path), 'utf8').includes(text)));
  return withText.length === 0
    ? null
    : { files: withText.map(absolute), names: texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')) };
}

function absolute(path: string): string {
  return join(import.meta.dirname, path);
}

function folderOf(path: string): string {
  return dirname(path);
}
