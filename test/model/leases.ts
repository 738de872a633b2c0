import { leaseMs, type ModelRunner, type RunnerName, type State } from './state.ts';

// Who may claim and hold runs: a runner whose lease has neither ended nor expired.

export function runnerOf({ runners }: State, name: RunnerName): ModelRunner | undefined {
  return runners.find((runner) => runner.name === name);
}

export function take(state: State, name: RunnerName): void {
  const lease = { expiresAt: state.now + leaseMs, endedAt: null };
  const runner = runnerOf(state, name);
  if (runner === undefined) state.runners.push({ name, ...lease, renewals: 0 });
  else Object.assign(runner, { ...lease, renewals: runner.renewals + 1 });
}

export function renew(state: State, name: RunnerName): boolean {
  const runner = runnerOf(state, name);
  if (runner?.endedAt !== null) return false;
  Object.assign(runner, { expiresAt: state.now + leaseMs, renewals: runner.renewals + 1 });
  return true;
}

/** Ends a lease; with `seen` only one that has expired and was renewed no more since. @returns whether it did */
export function end(state: State, name: RunnerName, seen: { readonly renewals: number } | null): boolean {
  const runner = runnerOf(state, name);
  if (runner?.endedAt !== null) return false;
  if (seen !== null && (runner.renewals !== seen.renewals || runner.expiresAt > state.now)) return false;
  runner.endedAt = state.now;
  return true;
}

export function isValid(state: State, name: RunnerName): boolean {
  const runner = runnerOf(state, name);
  return runner?.endedAt === null && runner.expiresAt > state.now;
}

export function forgetEnded(state: State): void {
  const isNeeded = ({ name, endedAt }: ModelRunner): boolean =>
    endedAt === null || endedAt >= state.now - 3_600_000 || state.runs.some((run) => run.runner === name);
  state.runners = state.runners.filter(isNeeded);
}
