import type { Rule } from '../rule.ts';

export const fenceRules: readonly Rule[] = [
  {
    name: 'fence-end',
    without: 'the end of an attempt is stored whoever holds the run',
    edits: [
      {
        file: 'src/engine/store/end-attempt.ts',
        find: "where r.id = g.run_id and r.fence = g.fence and r.state = 'running'",
        replace: "where r.id = g.run_id and r.state = 'running'",
      },
    ],
    campaign: { runs: 300, faults: 20, runners: 4, kinds: ['runner_stopped'] },
    finds: ['overlaps', 'staleWrites', 'attemptsMiscounted'],
  },
  {
    name: 'fence-lines',
    without: 'log lines are stored whoever holds the run',
    edits: [
      {
        file: 'src/engine/store/end-attempt.ts',
        find: "where id = $1 and fence = $2 and state = 'running' for share",
        replace: 'where id = $1 and $2::bigint is not null for share',
      },
    ],
    campaign: { runs: 300, faults: 20, runners: 4, kinds: ['runner_stopped'] },
    finds: ['staleWrites'],
  },
  {
    name: 'fence-objects',
    without: 'DB writes whoever holds the run',
    edits: [
      {
        file: 'src/data/statements/write-objects.ts',
        find: 'select cloudcode.hold_attempt_data($1, $2) as held',
        replace: 'select $1::uuid is not null and $2::bigint is not null as held',
      },
      {
        file: 'src/data/statements/write-objects.ts',
        find: "'(select cloudcode.hold_attempt_data($1, $2))'",
        replace: "'($1::uuid is not null and $2::bigint is not null)'",
      },
    ],
    campaign: { runs: 300, faults: 20, runners: 4, kinds: ['runner_stopped'] },
    finds: ['staleWrites'],
  },
  {
    name: 'fence-schedule',
    without: 'scheduleTask schedules whoever holds the run',
    edits: [
      {
        file: 'src/engine/store/migrations/0005_calls.sql',
        find: "perform from cloudcode.runs where id = run and fence = attempt_fence and state = 'running' for share;",
        replace: 'perform from cloudcode.runs where id = run for share;',
      },
    ],
    campaign: { runs: 300, faults: 20, runners: 4, kinds: ['runner_stopped'] },
    finds: ['staleWrites'],
  },
  {
    name: 'fence-grows',
    without: 'each connection draws fences from a store of its own',
    edits: [
      {
        file: 'src/engine/store/migrations/0002_runs.sql',
        find: 'create sequence cloudcode.fences as bigint no cycle;',
        replace: 'create sequence cloudcode.fences as bigint cache 1000 no cycle;',
      },
    ],
    campaign: { runs: 150, faults: 0 },
    finds: ['fencesNotGrowing'],
  },
  {
    name: 'end-once',
    without: 'an end whose answer was lost is stored a second time',
    edits: [
      {
        file: 'src/engine/store/end-attempt.ts',
        find: "and r.fence = g.fence and r.state = 'running'",
        replace: 'and r.fence = g.fence',
      },
    ],
    campaign: { runs: 200, faults: 15, kinds: ['commit_answer_lost'] },
    finds: ['staleWrites', 'attemptsMiscounted'],
  },
  {
    name: 'increment-once',
    without: 'an increment whose answer was lost is carried out a second time',
    edits: [
      {
        file: 'src/data/statements/write-objects.ts',
        find: "if (call === undefined) return '';",
        replace: "if (call !== null) return '';",
      },
    ],
    campaign: { runs: 300, faults: 40, kinds: ['commit_answer_lost'] },
    finds: ['doubledWrites'],
  },
];
