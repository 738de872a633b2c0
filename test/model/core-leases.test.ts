import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  killDeadline,
  type LeaseSight,
  maxLeaseMs,
  renewLimitMs,
  seeLease,
  minLeaseMs,
  silenceLeftMs,
} from '../../src/engine/core/lease.ts';
import { budgetMs, chooseSeed, within } from './budget.ts';

// A runner that renews its lease and another one that looks at it, on a network that delays and loses what they say: docs/leases.md, rules 1 to 6.
// Times are of one true clock; the database's clock is off by what jumps make of it.

interface Renewal {
  /** After the answer to the last one, or after it was given up. */
  readonly pauseMs: number;
  /** On its way to the database; null: it never arrives. */
  readonly thereMs: number | null;
  /** On its way back; null: the answer is lost. */
  readonly backMs: number | null;
}

interface Look {
  readonly pauseMs: number;
  readonly backMs: number;
  /** From what it has seen to the statement that ends the lease. */
  readonly endMs: number;
}

interface Jump {
  readonly at: number;
  readonly byMs: number;
}

interface Commit {
  readonly at: number;
  readonly renewals: number;
  readonly expiresAt: number;
}

/** Delays of every size: some next to nothing, some longer than the lease. */
const delays = (leaseMs: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: Math.ceil(leaseMs / 10) }),
    fc.integer({ min: 0, max: 2 * leaseMs }),
  );

const stories = fc.oneof(fc.constant(minLeaseMs), fc.integer({ min: minLeaseMs, max: maxLeaseMs })).chain((leaseMs) => {
  const delay = delays(leaseMs);
  return fc.record({
    leaseMs: fc.constant(leaseMs),
    renewals: fc.array(
      fc.record({ pauseMs: delay, thereMs: fc.option(delay, { freq: 6 }), backMs: fc.option(delay, { freq: 6 }) }),
      { maxLength: 12 },
    ),
    looks: fc.array(fc.record({ pauseMs: delay, backMs: delay, endMs: delay }), { minLength: 1, maxLength: 30 }),
    jumps: fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 20 * leaseMs }),
        byMs: fc.integer({ min: -5 * leaseMs, max: 5 * leaseMs }),
      }),
      { maxLength: 3 },
    ),
  });
});

/** What the runner does: when its renewals are committed, and until when its workers may live. */
function renewing(
  all: readonly Renewal[],
  leaseMs: number,
  clock: (at: number) => number,
): { readonly commits: readonly Commit[]; deadlineBefore(takenAt: number): number } {
  const commits: Commit[] = [{ at: 0, renewals: 0, expiresAt: clock(0) + leaseMs }];
  const answers: { readonly at: number; readonly askedAt: number; readonly committedAt: number }[] = [];
  let free = 0;
  for (const { pauseMs, thereMs, backMs } of all) {
    const askedAt = free + pauseMs;
    // Whether or not it hears of it, the connection is given up after this time.
    free = askedAt + renewLimitMs(leaseMs);
    if (thereMs === null) continue;
    const committedAt = askedAt + thereMs;
    commits.push({ at: committedAt, renewals: commits.length, expiresAt: clock(committedAt) + leaseMs });
    if (backMs === null) continue;
    // Even an answer that comes after that is believed here: what is safe then is safe without it.
    answers.push({ at: committedAt + backMs, askedAt, committedAt });
    free = Math.min(free, committedAt + backMs);
  }
  const inOrder = answers.toSorted((a, b) => a.at - b.at);
  return {
    commits: commits.toSorted((a, b) => a.at - b.at).map((commit, renewals) => ({ ...commit, renewals })),
    deadlineBefore(takenAt) {
      let deadline = killDeadline(0, leaseMs);
      for (const answer of inOrder) {
        // Rule 1: what comes after the deadline is of no use. Rule 6: what comes to the database after the takeover is refused.
        if (answer.at >= deadline || answer.committedAt >= takenAt) break;
        deadline = Math.max(deadline, killDeadline(answer.askedAt, leaseMs));
      }
      return deadline;
    },
  };
}

/** When the other runner takes over, by rule 4; null: it never does. */
function watching(
  looks: readonly Look[],
  leaseMs: number,
  { commits, clock }: { readonly commits: readonly Commit[]; clock(at: number): number },
): number | null {
  const rowAt = (at: number): Commit | undefined => commits.findLast((commit) => commit.at <= at);
  let sight: LeaseSight | undefined;
  let at = 0;
  for (const { pauseMs, backMs, endMs } of looks) {
    const seen = rowAt(at + pauseMs);
    const askedAt = at + pauseMs;
    const now = askedAt + backMs;
    at = now;
    if (seen === undefined) continue;
    sight = seeLease(sight, String(seen.renewals), now);
    if (silenceLeftMs(sight, leaseMs, now) > 0 || seen.expiresAt > clock(askedAt)) continue;
    const endedAt = now + endMs;
    at = endedAt;
    const row = rowAt(endedAt);
    if (row !== undefined && row.renewals === seen.renewals && row.expiresAt <= clock(endedAt)) return endedAt;
  }
  return null;
}

test('promise 1: nobody takes over within a fifth of the lease after the workers had to end, whatever is late, lost, or jumps', (context) => {
  const seed = chooseSeed();
  let [told, takeovers] = [0, 0];
  const property = fc.property(stories, ({ leaseMs, renewals, looks, jumps }) => {
    const clock = (at: number): number =>
      at + jumps.filter((jump: Jump) => jump.at <= at).reduce((sum, { byMs }) => sum + byMs, 0);
    const runner = renewing(renewals, leaseMs, clock);
    told += 1;
    const takenAt = watching(looks, leaseMs, { commits: runner.commits, clock });
    if (takenAt === null) return;
    takeovers += 1;
    const deadline = runner.deadlineBefore(takenAt);
    assert.ok(
      takenAt - deadline >= Math.floor(leaseMs / 5),
      `taken over at ${takenAt} ms, and the workers may live until ${deadline} ms`,
    );
  });
  fc.assert(property, { seed, numRuns: 1_000_000, plugins: [within(budgetMs(1_500))] });
  context.diagnostic(`seed ${seed}: ${told} stories, ${takeovers} takeovers`);
  assert.ok(takeovers * 20 > told, 'the stories are about takeovers');
});
