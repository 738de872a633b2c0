/**
 * Why none of an attempt's processes lives:
 * - `ended`: they were killed, and seen to be gone;
 * - `never_started`: no worker was sent its `start`, so that no code of it ran;
 * - `lease_over`: its runner's lease was ended, which happens after its kill deadline, or when the runner is dead and what it left is gone.
 */
export type GoneBecause = 'ended' | 'never_started' | 'lease_over';

/** The proof that an attempt's processes are gone. No end can be stored without one, so that no run of a queue starts beside a living one (promise 1). */
export class ProcessesGone {
  readonly #because: GoneBecause;

  private constructor(because: GoneBecause) {
    this.#because = because;
  }

  /** Whoever calls this vouches for it. */
  static because(reason: GoneBecause): ProcessesGone {
    return new ProcessesGone(reason);
  }

  get because(): GoneBecause {
    return this.#because;
  }
}
