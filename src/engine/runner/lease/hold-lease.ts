import { killDeadline, renewEveryMs } from '../../core/lease.ts';
import type { Store } from '../../store/open-store.ts';
import { type RunnerRow, renewLease, takeLease } from '../../store/runners.ts';
import { bootTimeMs } from '../containment/boot-clock.ts';
import type { Guard } from '../containment/start-guard.ts';
import type { OnEvent } from '../events.ts';
import { startLoop } from '../interval-loop.ts';

/** A runner's right to execute the runs it claimed. */
export interface Lease extends AsyncDisposable {
  /** False from the kill deadline on: no worker may be given a run. */
  holds(): boolean;
  /** Renews it until `stop`. */
  keep(holder: LeaseHolder): void;
  /** Renews it no longer. */
  stop(): Promise<void>;
}

export interface LeaseHolder {
  /** The lease could not be renewed in time: every attempt must end now. */
  onLost(): void;
  /** Whether every attempt has ended: only then may a lost lease be taken again. */
  isIdle(): boolean;
  /** A lost lease was taken again. */
  onRevived(): void;
}

export interface LeaseOptions {
  /** On a connection of its own: however busy the others are, the lease is renewed. */
  readonly store: Store;
  readonly runner: RunnerRow;
  /** Ends the workers at the deadline, whatever this process is doing then. */
  readonly guard: Pick<Guard, 'hold'>;
  readonly onEvent: OnEvent;
}

/** How often the runner looks at its own deadline. Its guard does so as well. */
const lookMs = 100;

/** Takes a lease. Nothing renews it before `keep`. Rejects when the database does not answer. */
export async function holdLease({ store, runner, guard, onEvent }: LeaseOptions): Promise<Lease> {
  const { id, leaseMs } = runner;
  let deadline = 0;
  let lost = true;
  let holder: LeaseHolder | null = null;

  const lose = (): void => {
    if (lost) return;
    lost = true;
    onEvent({ kind: 'lease_lost' });
    holder?.onLost();
  };
  const holds = (): boolean => {
    if (!lost && bootTimeMs() >= deadline) lose();
    return !lost;
  };
  // The deadline counts from before the database was asked: whenever it answers, the lease there ends later.
  const take = async (): Promise<void> => {
    const askedAt = bootTimeMs();
    await takeLease(store, runner);
    deadline = killDeadline(askedAt, leaseMs);
    // When the guard says so it has ended what it was ending: from now on it lets workers live.
    await guard.hold(deadline);
    lost = false;
  };
  const renew = async (): Promise<void> => {
    const askedAt = bootTimeMs();
    const isRenewed = await renewLease(store, id);
    // An answer that came too late does not help: the guard acts at the deadline it knows.
    if (!isRenewed || !holds()) return lose();
    deadline = killDeadline(askedAt, leaseMs);
    void guard.hold(deadline);
  };
  await take();

  const loop = startLoop({
    async turn() {
      if (holds()) await renew();
      else if (holder?.isIdle() === true) {
        await take();
        holder.onRevived();
      }
      return lost ? lookMs : renewEveryMs(leaseMs);
    },
    onError(error) {
      onEvent({ kind: 'trouble', what: 'the lease could not be renewed', error });
      return renewEveryMs(leaseMs) / 3;
    },
  });
  const watch = setInterval(holds, lookMs);
  const stop = async (): Promise<void> => {
    clearInterval(watch);
    await loop.stop();
  };
  return { holds, keep: (given) => void (holder = given), stop, [Symbol.asyncDispose]: stop };
}
