import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { CloudCodeError } from '../../src/engine/core/errors.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { makeFolder } from './make-folder.ts';

const good = 'export async function run() {}\n';
const fineTask = { 'cloudcode/a/index.ts': good };

interface BadProject {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

const writeRun = 'Write `export async function run(parameters) { … }`.';
const nothingOutside =
  'Keep what is outside of `run` free of work: a task is also loaded when it is deployed, to read its `config`.';

const table: readonly BadProject[] = [
  {
    name: 'a folder that is no project',
    files: { 'notes.txt': '' },
    code: 'project_not_found',
    message: '<folder> is no CloudCode project: it has no folder named cloudcode.',
    hint: 'Make a new project with `cloudcode init`, or name the folder of one with --project.',
  },
  {
    name: 'a project without a task',
    files: { 'cloudcode/readme.md': '', 'cloudcode/lib/x.ts': '', 'cloudcode/_off/index.ts': good },
    code: 'project_not_found',
    message: '<folder> has no task: no folder in cloudcode/ has an index file.',
    hint: 'Write one: cloudcode/hello/index.ts with `export async function run() {}`.',
  },
  {
    name: 'a task that is a file, not a folder',
    files: { 'cloudcode/hello.ts': good },
    code: 'project_not_found',
    message: '<folder> has no task: no folder in cloudcode/ has an index file.',
    hint: 'A task is a folder: move cloudcode/hello.ts to cloudcode/hello/index.ts.',
  },
  {
    name: 'task names that differ only in case',
    files: { 'cloudcode/Send/index.ts': good, 'cloudcode/send/index.ts': good },
    code: 'task_name_clash',
    message: 'cloudcode/Send/index.ts and cloudcode/send/index.ts are the same task: the names differ only in case.',
    hint: 'Rename one of them.',
  },
  {
    name: 'two index files in one folder',
    files: { 'cloudcode/a/index.ts': good, 'cloudcode/a/index.js': good },
    code: 'task_name_clash',
    message: 'cloudcode/a/index.ts and cloudcode/a/index.js are the same task.',
    hint: 'Keep one of them.',
  },
  {
    name: 'a name that no task can have',
    files: { 'cloudcode/my task/index.ts': good },
    code: 'invalid_task',
    message: 'cloudcode/my task: "my task" cannot be the name of a task.',
    hint: 'Rename the folder: 1 to 100 letters a to z, digits, `_`, `-` and `.`; shared code may have any name when its folder has no index file.',
  },
  {
    name: 'a syntax error',
    files: { 'cloudcode/a/index.ts': 'export async function run() {\n\tconst größe = ;\n}\n' },
    code: 'task_broken',
    message: 'cloudcode/a/index.ts:2:16: Unexpected ";"\n  2 | \tconst größe = ;\n    | \t              ^',
  },
  {
    name: 'a syntax error in shared code, told once',
    files: {
      'cloudcode/a/index.ts': `import '../lib.ts';\n${good}`,
      'cloudcode/b/index.ts': `import '../lib.ts';\n${good}`,
      'cloudcode/lib.ts': 'const = 1;',
    },
    code: 'task_broken',
    message: 'cloudcode/lib.ts:1:7: Expected identifier but found "="\n  1 | const = 1;\n    |       ^',
  },
  {
    name: 'an npm package that is not installed',
    files: { 'cloudcode/a/index.ts': "import { a } from '@scope/missing/deep';\nexport const run = () => a;\n" },
    code: 'task_broken',
    message:
      'cloudcode/a/index.ts:1:19: Could not resolve "@scope/missing/deep"\n  1 | import { a } from \'@scope/missing/deep\';\n    |                   ^',
    hint: "Install it in the project's folder: npm install @scope/missing",
  },
  {
    name: 'an import of a file that is not there',
    files: { 'cloudcode/a/index.ts': `import './nothing.ts';\n${good}` },
    code: 'task_broken',
    message:
      'cloudcode/a/index.ts:1:8: Could not resolve "./nothing.ts"\n  1 | import \'./nothing.ts\';\n    |        ^',
    hint: 'Check the path; it is relative to the file that imports it.',
  },
  {
    name: 'a task without run',
    files: { 'cloudcode/a/index.ts': 'export default async function () {}\nexport const other = 1;\n' },
    code: 'task_without_run',
    message: 'cloudcode/a/index.ts does not export `run`; it exports `default`, `other`.',
    hint: writeRun,
  },
  {
    name: 'a CommonJS task without run',
    files: { 'cloudcode/a/index.js': 'module.exports = { start() {} };\n' },
    code: 'task_without_run',
    message: 'cloudcode/a/index.js does not export `run`; it exports nothing.',
    hint: writeRun,
  },
  {
    name: 'a misspelt run',
    files: { 'cloudcode/a/index.ts': 'export async function Run() {}\n' },
    code: 'task_without_run',
    message: 'cloudcode/a/index.ts does not export `run`; it exports `Run`.',
    hint: 'Rename `Run` to `run`.',
  },
  {
    name: 'a run that is only a type',
    files: { 'cloudcode/a/index.ts': 'export type run = () => void;\n' },
    code: 'task_without_run',
    message: 'cloudcode/a/index.ts does not export `run`; it exports nothing.',
    hint: writeRun,
  },
  {
    name: 'a run that is no function',
    files: { 'cloudcode/a/index.ts': 'const handler = { a: 1 };\nexport { handler as run };\n' },
    code: 'task_without_run',
    message: 'cloudcode/a/index.ts exports a `run` that is no function.',
    hint: writeRun,
  },
  {
    name: 'a task limit of the wrong kind',
    files: { 'cloudcode/a/index.ts': `${good}export const config = { timeoutMs: '5m' };` },
    code: 'invalid_task_config',
    message:
      'cloudcode/a/index.ts: `timeoutMs` is "5m"; it must be a whole number of milliseconds from 1 to 2073600000 (24 days).',
  },
  {
    name: 'a task limit out of range',
    files: { 'cloudcode/a/index.ts': `${good}export const config = { memoryMb: 8 };` },
    code: 'invalid_task_config',
    message: 'cloudcode/a/index.ts: `memoryMb` is 8; it must be a whole number of MiB from 16 to 1048576.',
  },
  {
    name: 'a misspelt task limit',
    files: { 'cloudcode/a/index.ts': `${good}export const config = { maxAttempt: 3 };` },
    code: 'invalid_task_config',
    message:
      'cloudcode/a/index.ts: `config` has a key that is not known: `maxAttempt` (did you mean `maxAttempts`?); the known ones are timeoutMs, memoryMb, maxAttempts, workerStart, files, external, bundle.',
  },
  {
    name: 'a config that is no object',
    files: { 'cloudcode/a/index.ts': `${good}export const config = [1, String(2)];` },
    code: 'invalid_task_config',
    message: 'cloudcode/a/index.ts: `config` is an array; it must be an object.',
  },
  {
    name: 'a task that throws while its config is read',
    files: {
      'cloudcode/a/index.ts': `${good}throw new TypeError('too early');\nexport const config = { maxAttempts: Number(1) };`,
    },
    code: 'task_broken',
    message: 'cloudcode/a/index.ts:2:7: its exports could not be read: it threw TypeError: too early.',
    hint: nothingOutside,
  },
  {
    name: 'a task that exits while its config is read',
    files: { 'cloudcode/a/index.ts': `${good}process.exit(0);\nexport const config = { maxAttempts: Number(1) };` },
    code: 'task_broken',
    message: 'cloudcode/a/index.ts: its exports could not be read: the process ended with exit code 0.',
    hint: nothingOutside,
  },
  {
    name: 'a task that never gets done while its config is read',
    files: { 'cloudcode/a/index.ts': `${good}for (;;);\nexport const config = { maxAttempts: Number(1) };` },
    code: 'task_broken',
    message: 'cloudcode/a/index.ts: its exports could not be read: it was not done within 10 s.',
    hint: nothingOutside,
  },
  {
    name: 'a syntax error in the configuration',
    files: { ...fineTask, 'cloudcode.config.ts': 'export default {\n  concurrency: 5 60,\n};\n' },
    code: 'invalid_config',
    message:
      'cloudcode.config.ts:2:18: Expected "}" but found "60"\n  2 |   concurrency: 5 60,\n    |                  ^',
  },
  {
    name: 'a configuration that throws',
    files: {
      ...fineTask,
      'cloudcode.config.ts': 'const missing: any = null;\n\nexport default { defaults: missing.value };\n',
    },
    code: 'invalid_config',
    message: "cloudcode.config.ts:3:36: it threw TypeError: Cannot read properties of null (reading 'value')",
  },
  {
    name: 'a configuration without a default export',
    files: { ...fineTask, 'cloudcode.config.mjs': 'export const config = {};\n' },
    code: 'invalid_config',
    message: 'cloudcode.config.mjs has no default export.',
    hint: 'Write `export default defineConfig({ … })`.',
  },
  {
    name: 'two configurations',
    files: { ...fineTask, 'cloudcode.config.ts': '', 'cloudcode.config.js': '' },
    code: 'invalid_config',
    message: 'There are two configurations, cloudcode.config.ts and cloudcode.config.js.',
    hint: 'Keep one of them.',
  },
  {
    name: 'a misspelt field of the configuration',
    files: { ...fineTask, 'cloudcode.config.ts': 'export default { default: {} };\n' },
    code: 'invalid_config',
    message:
      'cloudcode.config.ts: the default export has a key that is not known: `default` (did you mean `defaults`?); the known ones are defaults, environments, queues, files, retention, concurrency, leaseMs, maxPackagesMb, maxFilesMb, workerStart, external, bundle.',
  },
  {
    name: 'a wrong value deep in the configuration',
    files: {
      ...fineTask,
      'cloudcode.config.ts': "export default { environments: { testing: { variables: { 'A': 5 } } } };\n",
    },
    code: 'invalid_config',
    message: 'cloudcode.config.ts: `environments.testing.variables.A` is 5; it must be a string.',
  },
  {
    name: 'a variable that belongs to CloudCode',
    files: {
      ...fineTask,
      'cloudcode.config.ts': "export default { environments: { testing: { variables: { CLOUDCODE_RUNNER: '' } } } };\n",
    },
    code: 'invalid_config',
    message:
      'cloudcode.config.ts: `environments.testing.variables.CLOUDCODE_RUNNER` cannot be set: names that begin with CLOUDCODE_ belong to CloudCode.',
  },
  {
    name: 'a queue setting that does not exist',
    files: { ...fineTask, 'cloudcode.config.ts': "export default { queues: { 'my mail': { onRetry: 'stop' } } };\n" },
    code: 'invalid_config',
    message: 'cloudcode.config.ts: `queues["my mail"].onRetry` is "stop"; it must be \'wait\' or \'skip\'.',
  },
  {
    name: 'several mistakes, told together',
    files: {
      'cloudcode/a/index.ts': 'export const x = ;',
      'cloudcode/b/index.ts': 'export const config = {};',
      'cloudcode/c/index.ts': `${good}export const config = { maxAttempts: 0 };`,
      'cloudcode.config.ts': 'export default { concurrency: 0 };',
    },
    code: 'task_broken',
    message: [
      '4 things are wrong.',
      'cloudcode/a/index.ts:1:18: Unexpected ";"\n  1 | export const x = ;\n    |                  ^',
      `cloudcode/b/index.ts does not export \`run\`; it exports \`config\`.\n${writeRun}`,
      'cloudcode/c/index.ts: `maxAttempts` is 0; it must be a whole number from 1 to 1000.',
      'cloudcode.config.ts: `concurrency` is 0; it must be a whole number from 1 to 10000.',
    ].join('\n\n'),
  },
];

describe('a bad project gets one clear error', { concurrency: true }, () => {
  after(endBundler);
  for (const { name, files, code, message, hint } of table) {
    it(name, async (t) => {
      const folder = await makeFolder(t, files);
      const error = await buildProject(folder).then(
        () => assert.fail('it was built'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof CloudCodeError, String(error));
      assert.deepEqual([error.message.replaceAll(folder, '<folder>'), error.code, error.hint], [message, code, hint]);
    });
  }

  it('a folder that does not exist', async (t) => {
    const folder = `${await makeFolder(t, {})}/nothing`;
    await assert.rejects(buildProject(folder), { code: 'project_not_found', message: `There is no folder ${folder}.` });
  });
});
