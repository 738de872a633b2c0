import type { Edit, Rule } from '../rule.ts';

/** Runners take each other for runners of other machines, which a campaign has not: the neighbour that ends a silent runner's workers is not there. */
export const apart: Edit = {
  file: 'src/engine/runner/process-identity.ts',
  find: 'return identity !== null && home !== null && identity.startsWith(`${home} `);',
  replace: 'return false;',
};

const noGuardKill: Edit = {
  file: 'src/engine/guard/main.ts',
  find: 'if (ending !== null || isFinishing || bootTimeMs() < deadline) return;',
  replace: 'return;',
};
const noOwnKill: Edit = { file: 'src/engine/runner/lease/hold-lease.ts', find: '    holder?.onLost();\n', replace: '' };
const noGuardEnd: Edit = {
  file: 'src/engine/guard/main.ts',
  find: 'if (!isOrderly) await untilEnded(() => endRunnerProcesses(runner));',
  replace: '',
};
const noNeighbour: Edit = {
  file: 'src/engine/runner/lease/watch-leases.ts',
  find: 'if (canEndWorkersOf(lease.processIdentity)) await endWorkersOf(lease.id);',
  replace: '',
};
/** Where there are cgroups, whoever starts beside a dead runner's empties it. */
const noEmptying: Edit = {
  file: 'src/engine/runner/containment/find-cgroup.ts',
  find: '  await endLeftovers(parent);\n',
  replace: '',
};
const noLeftovers: Edit = {
  file: 'src/engine/runner/lease/watch-leases.ts',
  find: '    await endLeftovers(id);\n',
  replace: '',
};
const noHold: Edit = {
  file: 'src/engine/runner/lease/hold-lease.ts',
  find: '    await guard.hold(deadline);\n',
  replace: '    void guard.hold(deadline);\n',
};
const noSilence: Edit = {
  file: 'src/engine/runner/lease/watch-leases.ts',
  find: 'else if (leftMs > 0) next',
  replace: 'else if (leftMs > 0 && !lease.isExpired) next',
};

const beside =
  'on one machine the neighbour ends the workers as well; so runners take each other for runners of other machines';

export const leaseRules: readonly Rule[] = [
  {
    name: 'nothing-apart',
    without: 'nothing but that runners take each other for runners of other machines: the control of the rules below',
    edits: [apart],
    campaign: { runs: 300, faults: 24 },
    finds: [],
  },
  {
    name: 'guard-kill',
    without: 'leases.md 2: the guard does not end the workers at the deadline',
    besides: beside,
    edits: [noGuardKill, apart],
    campaign: { runs: 200, faults: 12, runners: 4, kinds: ['runner_stopped'] },
    finds: ['overlaps'],
  },
  {
    name: 'both-kills',
    without: 'leases.md 2: neither runner nor guard ends the workers of a runner that is cut off',
    besides: `each covers the other; ${beside}`,
    edits: [noGuardKill, noOwnKill, apart],
    campaign: { runs: 200, faults: 12, kinds: ['connections_blackholed'] },
    finds: ['overlaps'],
  },
  {
    name: 'runner-kill',
    without: 'leases.md 2: the runner does not end the workers at the deadline',
    besides: 'its guard does, unless that is stopped just then',
    edits: [noOwnKill, apart],
    campaign: { runs: 200, faults: 12, kinds: ['connections_blackholed'] },
    finds: [],
  },
  {
    name: 'neighbour',
    without: 'leases.md 4: a runner takes over on its own machine without ending the workers first',
    besides:
      'the guard has ended them already, so its kill is off as well; it is the two frozen together that need the neighbour, which no campaign does',
    edits: [noNeighbour, noGuardKill],
    campaign: { runs: 200, faults: 12, runners: 4, kinds: ['runner_stopped'] },
    finds: ['overlaps'],
  },
  {
    name: 'leftovers',
    without: 'leases.md 5: the runs of a dead runner are taken back although its workers live',
    besides:
      'the guard ends them at the death of its runner, the neighbour before the takeover, and a new runner as it starts: all are off',
    edits: [noGuardEnd, noLeftovers, noEmptying],
    campaign: { runs: 300, faults: 20, runners: 4, kinds: ['runner_killed'] },
    finds: ['overlaps'],
  },
  {
    name: 'deadline',
    without: 'leases.md 1: the deadline lies two leases behind the end of the lease, not a fifth of one before',
    besides: `${beside}; a margin that is only missing is not found, because the next attempt begins a back-off later`,
    edits: [
      {
        file: 'src/engine/core/lease.ts',
        find: 'return askedAt + leaseMs - Math.ceil(leaseMs / 5);',
        replace: 'return askedAt + 3 * leaseMs;',
      },
      apart,
    ],
    campaign: { runs: 200, faults: 12, runners: 4, kinds: ['runner_stopped', 'connections_blackholed'] },
    finds: ['overlaps'],
  },
  {
    name: 'silence',
    without:
      "leases.md 4 and 6: whoever has expired by the database's clock is taken over although it renews its lease, and may renew it when it has ended",
    besides: `each covers the other: when silence is not waited for, the refused renewal ends the workers before the next attempt begins; and no lease ends while its runner may renew it; ${beside}`,
    edits: [
      noSilence,
      {
        file: 'src/engine/store/runners.ts',
        find: 'renewals = renewals + 1\n      where id = $1 and lease_ended_at is null returning id`',
        replace: 'renewals = renewals + 1, lease_ended_at = null\n      where id = $1 returning id`',
      },
      apart,
    ],
    campaign: { runs: 200, faults: 12, kinds: ['database_clock_jumped'] },
    finds: ['overlaps'],
  },
  {
    name: 'new-guard',
    without: 'a guard that was killed is not replaced',
    besides: `a runner without a guard takes no lease anew, so it is let; ${beside}`,
    edits: [
      {
        file: 'src/engine/runner/containment/start-guard.ts',
        find: '      guard = null;\n      if (isStopping()) return;\n',
        replace: '      guard = null;\n      return;\n',
      },
      noHold,
      apart,
    ],
    campaign: { runs: 300, faults: 20, kinds: ['guard_killed', 'runner_stopped'] },
    finds: ['overlaps'],
  },
];
