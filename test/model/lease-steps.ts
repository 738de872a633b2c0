import fc from 'fast-check';
import { rescueRuns } from '../../src/engine/operations/rescue-runs.ts';
import { deleteEndedRunners, endExpiredLease, endLease, renewLease } from '../../src/engine/store/runners.ts';
import { readRetryAt } from './back-off.ts';
import * as leases from './leases.ts';
import { seldom } from './run-steps.ts';
import type { StepKind } from './step.ts';
import { type RunnerName, runnerNames } from './state.ts';

// What runners do to keep, to end and to take over leases.

const runner = fc.constantFrom(...runnerNames);

export const take: StepKind<RunnerName> = {
  weight: 5,
  given: runner,
  isPossible: (model, name) => leases.runnerOf(model.state, name)?.endedAt !== null,
  async do({ model, real, say }, name) {
    say(`${name} takes a lease`);
    await real.takeLease(name);
    leases.take(model.state, name);
  },
};

export const renew: StepKind<RunnerName> = {
  weight: 4,
  given: runner,
  isPossible: (model, name) => leases.runnerOf(model.state, name) !== undefined,
  async do({ model, real, say, compare }, name) {
    say(`${name} renews its lease`);
    compare(await renewLease(real.t.store, real.runnerId(name)), leases.renew(model.state, name));
  },
};

export const stop: StepKind<RunnerName> = {
  weight: 1,
  given: runner,
  isPossible: (model, name) => leases.runnerOf(model.state, name) !== undefined,
  async do({ model, real, say }, name) {
    say(`the lease of ${name} ends, as it stopped or is known to be dead`);
    await endLease(real.t.store, real.runnerId(name));
    leases.end(model.state, name, null);
  },
};

/** Another runner ends a lease that it has seen: now, or before the last renewal. */
export const endExpired: StepKind<{ readonly name: RunnerName; readonly isOutdated: boolean }> = {
  weight: 3,
  given: fc.record({ name: runner, isOutdated: fc.boolean() }),
  isPossible: (model, { name }) => leases.runnerOf(model.state, name) !== undefined,
  async do({ model, real, say, compare }, { name, isOutdated }) {
    say(
      `another runner ends the lease of ${name} if it has expired${isOutdated ? ', as it was before the last renewal' : ''}`,
    );
    const renewals = (leases.runnerOf(model.state, name)?.renewals ?? 0) - (isOutdated ? 1 : 0);
    compare(
      await endExpiredLease(real.t.store, { id: real.runnerId(name), renewals: String(renewals) }),
      leases.end(model.state, name, { renewals }),
    );
  },
};

export const rescue: StepKind<{ readonly isInVain: boolean }> = {
  weight: 8,
  given: fc.record({ isInVain: seldom }),
  isPossible: (model, { isInVain }) => isInVain || model.lostAttempts().length > 0,
  async do({ model, real, say, compare }) {
    say('the runs of ended leases are taken back');
    const stored = await rescueRuns(real.t.store);
    const lost = model.lostAttempts();
    for (const attempt of lost)
      model.finish(attempt, {
        outcome: 'lost',
        error: 'AttemptLost',
        retryAt: await readRetryAt(real, model, attempt),
      });
    compare(stored, lost.length);
  },
};

export const forget: StepKind<null> = {
  weight: 1,
  given: fc.constant(null),
  isPossible: () => true,
  async do({ model, real, say }) {
    say('runners that ended over an hour ago are forgotten');
    await deleteEndedRunners(real.t.store);
    leases.forgetEnded(model.state);
  },
};
