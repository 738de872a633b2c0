import type { Rule } from './rule.ts';
import { attemptRules } from './table/attempts.ts';
import { fenceRules } from './table/fences.ts';
import { leaseRules } from './table/leases.ts';
import { queueRules } from './table/queues.ts';

/** The rules of the product that a campaign must see to be broken. docs/chaos.md lists them. */
export const rules: readonly Rule[] = [...leaseRules, ...fenceRules, ...queueRules, ...attemptRules];
