import type { CountName } from '../../src/chaos/judge/verdict.ts';
import type { FaultKind } from '../../src/chaos/plan/fault-kinds.ts';

/** A change of a source file, by its text: it must be there exactly once. */
export interface Edit {
  /** From the root of the package. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A campaign in which a violation is nearly certain, and no larger. */
export interface Campaign {
  readonly runs: number;
  readonly faults: number;
  /** All without it. */
  readonly kinds?: readonly FaultKind[];
  readonly queues?: number;
  readonly runners?: number;
  readonly leaseMs?: number;
}

/** A rule of the product, how a build without it is made, and what a campaign must find then. */
export interface Rule {
  readonly name: string;
  /** What is switched off. */
  readonly without: string;
  /** Other rules that would keep the same promise alone, and are switched off with it; or why none is. */
  readonly besides?: string;
  readonly edits: readonly Edit[];
  readonly campaign: Campaign;
  /** One of these counts at least is not 0; none: a campaign of the build finds nothing. */
  readonly finds: readonly CountName[];
}
