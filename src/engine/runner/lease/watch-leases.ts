import { type LeaseSight, seeLease, silenceLeftMs } from '../../core/lease.ts';
import type { Store } from '../../store/open-store.ts';
import { endExpiredLease, endLease, readOtherLeases, type SeenLease } from '../../store/runners.ts';
import { bootTimeMs } from '../containment/boot-clock.ts';
import { endLeftovers, endWorkersOf } from '../containment/end-leftovers.ts';
import { canEndWorkersOf, isKnownDead } from '../process-identity.ts';

/** Looks at the leases of the other runners, and ends those whose runner's workers are known to be gone. */
export interface LeaseWatch {
  /** @returns in how many milliseconds a lease may expire, Infinity when there is none; and whether one has ended since the last look, by whomever */
  look(): Promise<{ readonly nextMs: number; readonly hasEnded: boolean }>;
}

/**
 * A lease is ended when its runner's process is known to be dead and what it left can be ended (on this machine), or when it has expired by the database's clock **and** was not renewed for its whole
 * length by this runner's own clock: no clock that jumps can end it early.
 *
 * @param onEnded a lease was ended: its runs are free
 * @param onError for what goes wrong between two looks
 */
export function watchLeases(
  store: Store,
  runnerId: string,
  on: { ended(): void; error(error: unknown): void },
): LeaseWatch {
  let sights: ReadonlyMap<string, LeaseSight> = new Map();
  // Processes that cannot be ended hold up their own lease, and no other.
  const underWay = new Set<string>();

  const endOfDead = async ({ id }: SeenLease): Promise<void> => {
    // What its guard has left, if that was killed as well.
    await endLeftovers(id);
    await endLease(store, id);
    on.ended();
  };
  const endOfSilent = async (lease: SeenLease): Promise<void> => {
    // Its guard has ended its workers; on this machine that can be made sure of.
    if (canEndWorkersOf(lease.processIdentity)) await endWorkersOf(lease.id);
    if (await endExpiredLease(store, lease)) on.ended();
  };
  const aside = (lease: SeenLease, end: (lease: SeenLease) => Promise<void>): void => {
    if (underWay.has(lease.id)) return;
    underWay.add(lease.id);
    void end(lease)
      .catch(on.error)
      .finally(() => underWay.delete(lease.id));
  };
  return {
    async look() {
      const leases = await readOtherLeases(store, runnerId);
      const now = bootTimeMs();
      const held = new Set(leases.map(({ id }) => id));
      const hasEnded = [...sights.keys()].some((id) => !held.has(id));
      sights = new Map(leases.map(({ id, renewals }) => [id, seeLease(sights.get(id), renewals, now)]));
      let next = Infinity;
      for (const lease of leases) {
        const sight = sights.get(lease.id);
        const leftMs = sight === undefined ? Infinity : silenceLeftMs(sight, lease.leaseMs, now);
        if (canEndWorkersOf(lease.processIdentity) && isKnownDead(lease.processIdentity)) aside(lease, endOfDead);
        else if (leftMs > 0) next = Math.min(next, leftMs);
        else if (lease.isExpired) aside(lease, endOfSilent);
      }
      return { nextMs: next, hasEnded };
    },
  };
}
