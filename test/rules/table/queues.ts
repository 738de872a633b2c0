import type { Edit, Rule } from '../rule.ts';

const schema = 'src/engine/store/migrations/0001_runs.sql';
const notUnique: readonly Edit[] = [
  { file: schema, find: 'create unique index runs_one_at_front', replace: 'create index runs_one_at_front' },
];

export const queueRules: readonly Rule[] = [
  {
    name: 'one-at-front',
    without: 'every run that is added to a queue is at its front',
    besides: 'the unique index refuses a second one, and is off as well',
    edits: [
      ...notUnique,
      {
        file: schema,
        find: '  if front.id is null then\n    new.at_front := true;',
        replace: '  if true then\n    new.at_front := true;',
      },
    ],
    campaign: { runs: 150, faults: 0 },
    finds: ['overlaps'],
  },
  {
    name: 'unique-index',
    without: 'the unique index of fronts',
    besides: 'the triggers keep one at the front by themselves',
    edits: notUnique,
    campaign: { runs: 200, faults: 12 },
    finds: [],
  },
  {
    name: 'order',
    without: 'the last run of a queue comes first',
    edits: [
      {
        file: 'src/engine/store/migrations/0008_settle_together.sql',
        find: 'order by r.due_at, r.seq limit 1)',
        replace: 'order by r.due_at desc, r.seq desc limit 1)',
      },
    ],
    campaign: { runs: 150, faults: 0, queues: 5 },
    finds: ['orderViolations'],
  },
  {
    name: 'due-time',
    without: 'runs are claimed before they are due',
    edits: [
      { file: 'src/engine/store/claim-runs.ts', find: 'and at_front and wake_at <= now()', replace: 'and at_front' },
    ],
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
];
