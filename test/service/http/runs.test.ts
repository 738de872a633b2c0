import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Queue, Run } from '../../../src/engine/core/run.ts';
import { openApi, problemOf, type Api } from './api.ts';

describe('HTTP: runs, queues and tasks as the contract has them', () => {
  let api: Api;
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  const schedule = async (body: object): Promise<Run> => {
    const answer = await api.call('POST', 'runs', body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body as Run;
  };

  it('POST runs answers 201 with the run', async () => {
    const run = await schedule({ task: 'noop', parameters: { myvalue: 42, text: 'é\u0000\ud800' }, queue: 'a' });
    assert.deepEqual(
      { ...run, id: '', createdAt: '', dueAt: '' },
      {
        id: '',
        environment: 'testing',
        task: 'noop',
        parameters: { myvalue: 42, text: 'é\u0000\ud800' },
        queue: 'a',
        key: null,
        state: 'queued',
        createdAt: '',
        dueAt: '',
        retryAt: null,
        startedAt: null,
        finishedAt: null,
        scheduledBy: null,
        result: null,
        error: null,
        fingerprint: null,
        maxAttempts: 5,
        attempts: [],
      },
    );
    assert.match(run.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual((await api.call('GET', `runs/${run.id}`)).body, run);
  });

  it('POST runs with a key that is taken answers 200 with the run that has it', async () => {
    const first = await schedule({ task: 'noop', key: 'k', after: 60_000 });
    assert.deepEqual(
      await api.call('POST', 'runs', { task: 'noop', key: 'k' }).then(({ status, body }) => ({ status, body })),
      { status: 200, body: first },
    );
  });

  it('`at` and `after` schedule for later', async () => {
    const at = await schedule({ task: 'noop', at: '2999-01-02T03:04:05.678+01:00' });
    assert.equal(at.dueAt, '2999-01-02T02:04:05.678Z');
    assert.equal(at.state, 'scheduled');
    const after = await schedule({ task: 'noop', after: 60_000 });
    assert.equal(Date.parse(after.dueAt) - Date.parse(after.createdAt), 60_000);
    assert.equal((await schedule({ task: 'noop', at: '2001-01-01T00:00:00Z' })).state, 'queued');
  });

  it('lists are filtered and paged, newest first', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.unshift((await schedule({ task: 'other', queue: 'list' })).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { status, body } = await api.call('GET', `runs?task=other&queue=list&state=queued&limit=2${query}`);
      assert.equal(status, 200);
      const page = body as { readonly runs: readonly Run[]; readonly nextCursor: string | null };
      assert.ok(page.runs.length <= 2);
      seen.push(...page.runs.map((run) => run.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen, ids);
  });

  it('cancel and retry answer with the run, with an empty body or {}', async () => {
    const run = await schedule({ task: 'noop', after: 600_000 });
    const cancelled = await api.call('POST', `runs/${run.id}/cancel`);
    assert.equal(cancelled.status, 200);
    assert.equal((cancelled.body as Run).state, 'cancelled');
    assert.equal(problemOf(await api.call('POST', `runs/${run.id}/cancel`, {})).code, 'run_already_final');
    assert.equal(((await api.call('POST', `runs/${run.id}/retry`, {})).body as Run).state, 'queued');
    assert.equal(problemOf(await api.call('POST', `runs/${run.id}/retry`)).code, 'run_not_final');
  });

  it('logs are all there is, or what comes after a line', async () => {
    const run = await schedule({ task: 'noop' });
    assert.deepEqual((await api.call('GET', `runs/${run.id}/logs`)).body, { lines: [] });
    assert.deepEqual((await api.call('GET', `runs/${run.id}/logs?after=5`)).body, { lines: [] });
  });

  const names = [
    'import',
    'a/b',
    '../up',
    '%2F',
    '%',
    'ü 中 😀',
    '\u0001\n\u001b[31m',
    '?x=1#y',
    'pause',
    '😀'.repeat(512),
    'a'.repeat(512),
  ];
  for (const name of names) {
    it(`a queue can be paused and resumed by its name: ${JSON.stringify(name.slice(0, 30))}`, async () => {
      const paused = await api.call('POST', `queues/${encodeURIComponent(name)}/pause`);
      assert.deepEqual(paused.body, { name, queued: 0, scheduled: 0, running: null, oldestDueAt: null, paused: true });
      const { queues } = (await api.call('GET', 'queues')).body as { readonly queues: readonly Queue[] };
      assert.ok(queues.some((queue) => queue.name === name && queue.paused));
      assert.equal(((await api.call('POST', `queues/${encodeURIComponent(name)}/resume`)).body as Queue).paused, false);
    });
  }

  it('a name that no URL can hold goes into the body', async () => {
    assert.equal(((await api.call('POST', 'queues/pause', { queue: '..' })).body as Queue).paused, true);
    assert.equal(((await api.call('POST', 'queues/resume', { queue: '..' })).body as Queue).paused, false);
    assert.equal(problemOf(await api.call('POST', 'queues/pause', { queue: 5 })).code, 'invalid_queue');
    assert.equal(problemOf(await api.call('POST', 'queues/pause', { name: 'x' })).code, 'invalid_body');
  });

  it('tasks, backlog, project, health and ready', async () => {
    assert.deepEqual((await api.call('GET', 'tasks')).body, {
      tasks: ['noop', 'other'].map((name) => ({
        name,
        config: { timeoutMs: 300_000, memoryMb: 1024, maxAttempts: 5 },
      })),
      broken: [],
    });
    assert.ok(((await api.call('GET', 'backlog')).body as { queued: number }).queued > 0);
    assert.equal(((await api.call('GET', 'project')).body as { folder: string }).folder, '/nowhere');
    assert.deepEqual([(await api.call('GET', '/health')).status, (await api.call('GET', '/ready')).status], [200, 200]);
  });
});
