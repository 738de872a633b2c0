import type { Rule } from '../rule.ts';

const decision = 'src/engine/core/decide-after-attempt.ts';

export const attemptRules: readonly Rule[] = [
  {
    name: 'processes-gone',
    without: 'an end is stored when the worker is gone, whatever it has started',
    edits: [
      {
        file: 'src/engine/runner/worker-process.ts',
        find: 'const gone = await this.#container.killAll();',
        replace: "const gone = ProcessesGone.because('ended'); if (!this.hasExited) process.kill(this.pid, 'SIGKILL');",
      },
    ],
    campaign: { runs: 60, faults: 8, kinds: ['task_bred'], queues: 5 },
    finds: ['overlaps', 'processesLeftOver'],
  },
  {
    name: 'answer-final',
    without: 'a run that threw is tried again',
    edits: [
      {
        file: decision,
        find: 'return after(end.outcome);',
        replace: "return end.outcome === 'threw' ? withoutAnswer(end) : after(end.outcome);",
      },
    ],
    campaign: { runs: 150, faults: 0 },
    finds: ['retriedAfterAnswer'],
  },
  {
    name: 'answer-before-end',
    without: 'an answer is stored with the end of its attempt, when the processes are gone',
    edits: [
      {
        file: 'src/engine/runner/execute-attempt.ts',
        find: "end.kind === 'answered' ? storeAnswerMeanwhile(run, end.answer, context) : null",
        replace: 'null',
      },
    ],
    // Pauses between the faults in which others answer undisturbed.
    campaign: { runs: 150, faults: 6, kinds: ['runner_killed_after_answer'], leaseMs: 5000 },
    finds: ['retriedAfterAnswer'],
  },
  {
    name: 'counted-twice',
    without: 'an attempt counts as two',
    edits: [
      {
        file: 'src/engine/store/claim-runs.ts',
        find: 'attempt_count = r.attempt_count + 1,',
        replace: 'attempt_count = r.attempt_count + 2,',
      },
    ],
    campaign: { runs: 60, faults: 0 },
    finds: ['attemptsMiscounted'],
  },
  {
    name: 'not-counted',
    without: 'an attempt after the first is not counted',
    edits: [
      {
        file: 'src/engine/store/claim-runs.ts',
        find: 'attempt_count = r.attempt_count + 1,',
        // A run that was claimed has an attempt: the database sees to that.
        replace: 'attempt_count = greatest(r.attempt_count, 1),',
      },
    ],
    campaign: { runs: 100, faults: 6, kinds: ['worker_killed'] },
    finds: ['attemptsMiscounted'],
  },
  {
    name: 'given-up-early',
    without: 'a run is dead one attempt too early',
    edits: [
      {
        file: decision,
        find: 'if (end.attemptNumber >= end.attemptLimit)',
        replace: 'if (end.attemptNumber >= end.attemptLimit - 1)',
      },
    ],
    campaign: { runs: 60, faults: 8, kinds: ['task_crashed', 'task_exited'] },
    finds: ['attemptsMiscounted'],
  },
  {
    name: 'executed-twice',
    without: 'what is claimed is executed twice',
    edits: [
      {
        file: 'src/engine/runner/claim-due.ts',
        find: 'for (const run of await kept.complete(store, rows)) onClaimed(run);',
        replace: 'for (const run of await kept.complete(store, [...rows, ...rows])) onClaimed(run);',
      },
    ],
    campaign: { runs: 60, faults: 0 },
    finds: ['unclaimedStarts', 'overlaps'],
  },
  {
    name: 'rescue',
    without: 'nobody takes back the runs of a runner that died',
    edits: [
      {
        file: 'src/engine/runner/lease/start-rescuing.ts',
        find: 'const count = await rescueRuns(store);',
        replace: 'const count = performance.now() < 0 ? await rescueRuns(store) : 0;',
      },
    ],
    campaign: { runs: 100, faults: 6, kinds: ['runner_killed'] },
    finds: ['stuckQueues'],
  },
  {
    name: 'held-runs',
    without: 'a runner does not take back a claim whose answer was lost',
    edits: [
      {
        file: 'src/engine/runner/lease/check-held-runs.ts',
        find: 'held.filter((run) => !slots.holds(run.fence))',
        replace: '[]',
      },
    ],
    campaign: { runs: 150, faults: 12, kinds: ['commit_answer_lost'] },
    finds: ['stuckQueues'],
  },
];
