import type { History } from './history.ts';
import { indexHistory, type IndexedHistory } from './index-history.ts';
import { findRetriedAfterAnswer } from './rules/answers.ts';
import { findMiscountedAttempts } from './rules/attempts.ts';
import { findFencesNotGrowing, findStaleWrites } from './rules/fences.ts';
import {
  findDoubledAdditions,
  findEndedRunners,
  findLeftOver,
  findLostAdditions,
  findLostRuns,
  findLostWrites,
  findStuckQueues,
  findWrongRows,
} from './rules/losses.ts';
import { findOrderViolations } from './rules/order.ts';
import { findOverlaps } from './rules/overlaps.ts';
import { findStandstills } from './rules/standstill.ts';
import { findEarlyStarts, findUnclaimedStarts } from './rules/starts.ts';
import { type Case, type CountName, countNames, type Verdict } from './verdict.ts';

const rules: readonly ((history: IndexedHistory) => readonly Case[])[] = [
  findOverlaps,
  findLostRuns,
  findLostWrites,
  findLostAdditions,
  findDoubledAdditions,
  findRetriedAfterAnswer,
  findStaleWrites,
  findEarlyStarts,
  findOrderViolations,
  findStuckQueues,
  findLeftOver,
  findFencesNotGrowing,
  findMiscountedAttempts,
  findUnclaimedStarts,
  findEndedRunners,
  findWrongRows,
];

/** Judges a campaign by what happened in it, knowing nothing of how the product works. */
export function checkHistory(given: History): Verdict {
  const history = indexHistory(given);
  const cases = rules.flatMap((rule) => rule(history));
  const counts = Object.fromEntries(
    countNames.map((name) => [name, cases.filter(({ count }) => count === name).length]),
  ) as Record<CountName, number>;
  const { longest, beyondFault } = findStandstills(history);
  return {
    runs: history.runs.length,
    attempts: history.claims.length,
    counts,
    cases,
    maxStandstill: longest,
    standstillBeyondFault: beyondFault,
  };
}
