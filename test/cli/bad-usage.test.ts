import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, documentOf } from './cloudcode.ts';

const away = 'http://127.0.0.1:59';
const database = 'postgres://nobody@127.0.0.1:59/nothing';

const usage: readonly (readonly [args: readonly string[], status: number, says: RegExp])[] = [
  [['--help'], 0, /Usage: cloudcode/],
  [['run', '--help'], 0, /Examples:[\s\S]*cloudcode run/],
  [['help', 'start'], 0, /--concurrency/],
  [['--version'], 0, /^\d+\.\d+\.\d+$/m],
  [[], 2, /Usage: cloudcode/],
  [['strat'], 2, /unknown command 'strat'[\s\S]*Did you mean start\?/],
  [['nonsense'], 2, /unknown command 'nonsense'[\s\S]*--help/],
  [['runs', 'shwo', 'x'], 2, /no command "shwo"[\s\S]*cloudcode runs show/],
  [['queues', 'pasue', 'x'], 2, /no command "pasue"[\s\S]*cloudcode queues pause/],
  [['runs', '--jsno'], 2, /unknown option '--jsno'[\s\S]*--json/],
  [['run'], 2, /missing required argument 'task'/],
  [['run', 'a', 'b'], 2, /too many arguments/],
  [['runs', 'show'], 2, /missing required argument 'id'/],
  [['queues', 'pause', 'a', 'b'], 2, /too many arguments/],
  [['queues', 'resume', 'a', 'b'], 2, /too many arguments/],
  [['runs', 'logs', 'a', 'b'], 2, /too many arguments/],
  [['runs', 'cancel', 'a', '--state', 'queued'], 2, /`runs cancel` takes ids or filters, not both/],
  [['runs', '--limit', '3', 'show', 'a'], 2, /'--limit <n>' is of `runs`/],
  [['schedule', 'a', 'b'], 2, /too many arguments/],
  [['types', 'a'], 2, /too many arguments/],
  [['types', '--database', 'postgres://x/y'], 2, /`types` has no use for option '--database'/],
  [['init', 'a', 'b'], 2, /too many arguments/],
  [['init', 'a', '--project', 'b'], 2, /Both a folder and --project/],
  [['init', 'a', '--url', 'http://127.0.0.1:59'], 2, /`init` has no use for option '--url'/],
  [['start', '--url', 'http://127.0.0.1:59'], 2, /`start` has no use for option '--url'/],
  [['start', 'a'], 2, /too many arguments/],
  [['start', '--no-http', '--port', '5'], 2, /with --no-http, option '--port <n>' has nothing to say/],
  [['start', '--no-runner', '--lease-ms', '5000'], 2, /with --no-runner, option '--lease-ms <n>'/],
  [['dev', '--token', 'x'], 2, /`dev` has no use for option '--token'/],
  [['chaos', '--project', '.'], 2, /`chaos` has no use for option '--project'/],
  [['queues', 'pause'], 2, /missing required argument 'name'/],
  [['queues', 'pause', ''], 2, /`queue` is empty.*invalid_queue/],
  [['runs', '--limit'], 2, /--limit.*argument missing/],
  [['runs', '--limit', 'many'], 2, /--limit is "many"; it must be a whole number/],
  [['runs', '--limit', '0'], 2, /--limit is "0"/],
  [['start', '--port', 'x'], 2, /--port is "x"/],
  [['start', '--port', '65536'], 2, /--port is "65536"/],
  [['start', '--concurrency', '0'], 2, /--concurrency is "0"/],
  [['start', '--no-http', '--no-runner'], 2, /nothing left to do/],
  [['start', '--host', '0.0.0.0'], 2, /"0\.0\.0\.0".*loopback only.*host_refused/],
  [['start', '--host', '192.168.1.1'], 2, /host_refused/],
  [['start', '--host', '::'], 2, /host_refused/],
  [['run', 'x', '--parameters', '{"a":}'], 2, /line 1, column 6: expected a value, found "}".*invalid_parameters/],
  [['run', 'x', '--parameters', '[1]'], 2, /plain object; this is an array.*invalid_parameters/],
  [['run', 'x', '--parameters', '@/nowhere.json'], 2, /cannot be read: ENOENT/],
  [['run', 'x', '--queue', ''], 2, /`queue` is empty.*invalid_queue/],
  [['run', ''], 2, /`task` must be the name of a task.*invalid_task/],
  [['schedule', 'x', '--at', 'tomorrow'], 2, /--at is "tomorrow".*invalid_at/],
  [['schedule', 'x', '--at', '2026-02-30'], 2, /--at is "2026-02-30".*invalid_at/],
  [['schedule', 'x', '--after', 'soon'], 2, /--after is "soon".*invalid_after/],
  [['schedule', 'x', '--after', '-5'], 2, /`after` is -5.*invalid_after/],
  [['schedule', 'x', '--after', '5', '--at', '2026-03-01'], 2, /Both `at` and `after`.*at_and_after/],
  [['runs', '--url', 'nonsense'], 2, /"nonsense" is not the kind of URL/],
  [['runs', '--database', 'http://x'], 2, /"http:\/\/x" is not the kind of URL/],
  [['runs', '--project', '/nowhere'], 2, /\/nowhere is no CloudCode project.*project_not_found/],
  [['start'], 2, /no CloudCode project.*project_not_found/],
  [['dev'], 2, /no CloudCode project.*project_not_found/],
  [['types'], 2, /no CloudCode project.*project_not_found/],
  [['runs', '--url', away], 5, /127\.0\.0\.1:59 cannot be reached.*server_unreachable/],
  [['run', 'x', '--url', away], 5, /server_unreachable/],
  [['runs', 'logs', 'x', '--follow', '--url', away], 5, /server_unreachable/],
  [['queues', '--database', database], 5, /cannot be reached.*database_unreachable/],
  [
    ['runs'],
    5,
    /127\.0\.0\.1:4000 cannot be reached.*\nIt was asked because .* is no CloudCode project.*--project|is no CloudCode server/,
  ],
];

describe('CLI: wrong usage has one clear error and its exit status', { concurrency: 2, timeout: 180_000 }, () => {
  const empty = mkdtempSync(join(tmpdir(), 'cloudcode-empty-'));
  after(() => rmSync(empty, { recursive: true, force: true }));
  for (const [args, status, says] of usage) {
    it(`cloudcode ${args.join(' ')}: ${status}`, async () => {
      const finished = await cloudcode(args, { cwd: empty });
      assert.match(finished.stdout + finished.stderr, says);
      assert.equal(finished.status, status, finished.stderr);
      assert.doesNotMatch(finished.stderr, /^[ \t]+at /m, 'no stack: it is no fault of ours');
      if (status !== 0) assert.equal(finished.stdout, '');
    });
  }

  it('has changed nothing', () => {
    assert.deepEqual(readdirSync(empty), []);
  });

  for (const args of [
    ['runs', '--limit', 'x', '--json'],
    ['strat', '--json'],
    ['runs', '--json', '--url', away],
  ]) {
    it(`cloudcode ${args.join(' ')}: the document on standard output is the problem`, async () => {
      const finished = await cloudcode(args, { cwd: empty });
      assert.match(documentOf<{ code: string }>(finished).code, /wrong_usage|server_unreachable/);
      assert.notEqual(finished.stderr, '');
    });
  }

  it('CLOUDCODE_URL and CLOUDCODE_DATABASE_URL stand in for the options, and the first goes before --database', async () => {
    assert.match(
      (await cloudcode(['runs'], { cwd: empty, env: { CLOUDCODE_URL: away } })).stderr,
      /127\.0\.0\.1:59.*server_unreachable/,
    );
    assert.match(
      (await cloudcode(['runs'], { cwd: empty, env: { CLOUDCODE_DATABASE_URL: database } })).stderr,
      /database_unreachable/,
    );
    assert.match(
      (await cloudcode(['runs', '--database', database], { cwd: empty, env: { CLOUDCODE_URL: away } })).stderr,
      /server_unreachable/,
    );
  });

  it('CLOUDCODE_TOKEN goes to the server, and what is no CloudCode is told from one', async () => {
    const asked: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.end('hello');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const finished = await cloudcode(['runs', '--url', url], { env: { CLOUDCODE_TOKEN: 'secret' } });
    other.close();
    assert.equal(finished.status, 5);
    assert.match(finished.stderr, /is no CloudCode server/);
    assert.deepEqual(asked, ['Bearer secret']);
  });
});

describe('CLI: a project that is wrong', { timeout: 60_000 }, () => {
  const folders: string[] = [];
  before(() => {
    folders.push(
      writeProject({ broken: 'export async function run() { return 1 +; }' }),
      writeProject({ runs_nothing: 'export const x = 1;' }),
    );
  });
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  const commands = [
    ['run', 'broken'],
    ['start', '--port', '0'],
    ['run', 'broken', '--json'],
  ];
  for (const args of commands) {
    it(`cloudcode ${args.join(' ')}: file, line and caret, status 2, and nothing was started`, async () => {
      const [folder = ''] = folders;
      const finished = await cloudcode([...args, '--project', folder]);
      assert.equal(finished.status, 2, finished.stderr);
      assert.match(finished.stderr, /cloudcode\/broken\/index\.ts:1:\d+:[\s\S]*\^/);
      assert.deepEqual(readdirSync(folder), ['cloudcode']);
    });
  }

  it('cloudcode start: a task without `run`', async () => {
    const finished = await cloudcode(['start', '--project', folders[1] ?? '']);
    assert.equal(finished.status, 2);
    assert.match(finished.stderr, /task_without_run/);
  });

  it('cloudcode start --environment stagin: there is none, and the nearest is named', async () => {
    const folder = writeProject({ fine: 'export async function run() {}' });
    folders.push(folder);
    for (const args of [['start'], ['run', 'fine'], ['dev']]) {
      const finished = await cloudcode([...args, '--project', folder, '--environment', 'stagin']);
      assert.equal(finished.status, 2);
      assert.match(finished.stderr, /`stagin`.*environment_not_found[\s\S]*Did you mean `staging`/);
    }
  });

  it('cloudcode init: not into a folder that holds something', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cloudcode-full-'));
    folders.push(folder);
    mkdirSync(join(folder, 'inside'));
    writeFileSync(join(folder, 'a'), '');
    const finished = await cloudcode(['init', folder]);
    assert.equal(finished.status, 2);
    assert.match(finished.stderr, /project_exists/);
    assert.deepEqual(readdirSync(folder), ['a', 'inside']);
  });
});
