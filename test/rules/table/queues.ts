import type { Edit, Rule } from '../rule.ts';

const schema = 'src/engine/store/migrations/0003_queues.sql';
const notUnique: readonly Edit[] = [
  {
    file: 'src/engine/store/migrations/0002_runs.sql',
    find: 'create unique index runs_one_running',
    replace: 'create index runs_one_running',
  },
];

export const queueRules: readonly Rule[] = [
  {
    name: 'one-at-front',
    without: 'a run that is added to a queue of which one is running is at its front',
    besides: 'the unique index refuses a second one, and is off as well',
    edits: [
      ...notUnique,
      {
        file: schema,
        find: 'elsif not exists (select from cloudcode.runs r where r.environment_id = environment and r.running_queue = name) then',
        replace: 'elsif true then',
      },
    ],
    campaign: { runs: 150, faults: 0 },
    finds: ['overlaps'],
  },
  {
    name: 'unique-index',
    without: 'the unique index of running runs',
    besides: 'the functions keep one at the front by themselves',
    edits: notUnique,
    campaign: { runs: 200, faults: 12 },
    finds: [],
  },
  {
    name: 'order',
    without: 'the last run of a queue comes first',
    edits: [
      {
        file: schema,
        find: 'b.queue = name and not b.is_retry order by b.due_at, b.seq limit 1)',
        replace: 'b.queue = name and not b.is_retry order by b.due_at desc, b.seq desc limit 1)',
      },
    ],
    campaign: { runs: 150, faults: 0, queues: 5 },
    finds: ['orderViolations'],
  },
  {
    name: 'due-time',
    without: 'runs are claimed before they are due',
    edits: [{ file: 'src/engine/store/claim-runs.ts', find: 'and y.wake_at <= now()', replace: '' }],
    campaign: { runs: 100, faults: 0 },
    finds: ['earlyStarts'],
  },
  {
    name: 'durable',
    without: 'a commit is confirmed before it is on the disk',
    edits: [
      {
        file: 'src/engine/store/connection.ts',
        find: '  set extra_float_digits = 1;\n',
        replace: '  set extra_float_digits = 1;\n  set synchronous_commit = off;\n',
      },
    ],
    campaign: { runs: 400, faults: 12, kinds: ['database_restarted_immediate'] },
    finds: ['lostRuns', 'lostWrites', 'unclaimedStarts'],
  },
  {
    name: 'upkeep-claims',
    without: 'a claim is noted nowhere, so that nobody finds what a dead runner holds',
    edits: [
      {
        file: 'src/engine/store/claim-runs.ts',
        find: 'select $1, array_agg(id) from claimed having count(*) > 0',
        replace: 'select $1, array_agg(id) from claimed having count(*) < 0',
      },
    ],
    campaign: { runs: 100, faults: 4, kinds: ['runner_killed'] },
    finds: ['stuckQueues', 'wrongRows'],
  },
  {
    name: 'upkeep-endings',
    without: 'finished runs are noted nowhere',
    edits: [
      {
        file: 'src/engine/store/end-attempt.ts',
        find: "array_agg(id) from ended where state <> 'queued'",
        replace: "array_agg(id) from ended where state = 'nothing'",
      },
    ],
    campaign: { runs: 60, faults: 0 },
    finds: ['wrongRows'],
  },
  {
    name: 'upkeep-lists',
    without: 'finished runs are marked as listed, and are not',
    edits: [
      {
        file: 'src/engine/store/list-endings.ts',
        find: 'r.finished_at = ended.at\n        order by r.seq',
        replace: "r.finished_at = ended.at and r.state = 'nothing'\n        order by r.seq",
      },
    ],
    campaign: { runs: 60, faults: 0 },
    finds: ['wrongRows'],
  },
  {
    name: 'upkeep-fronts',
    without: 'the end of a run brings no other of its queue to the front',
    edits: [
      {
        file: schema,
        find: 'from unnest(environments, names) as given (environment, name) where name is not null;',
        replace: 'from unnest(environments, names) as given (environment, name) where name = name || name;',
      },
    ],
    campaign: { runs: 60, faults: 0 },
    finds: ['stuckQueues', 'wrongRows'],
  },
  {
    name: 'upkeep-retries',
    without: 'a run in no queue that is tried again is entered nowhere',
    edits: [
      {
        file: schema,
        find: 'where name is null and wake is not null;',
        replace: 'where name is null and wake is null and id is null;',
      },
    ],
    campaign: { runs: 100, faults: 6, kinds: ['worker_killed'] },
    finds: ['stuckQueues', 'wrongRows'],
  },
];
