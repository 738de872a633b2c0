/**
 * The flags of the fork server that a spawned worker does not have. V8 must not count on threads, which a fork does not take along; and none may wait for SIGUSR1. What it loads is compiled at
 * once: what it did not compile, each worker would have to. (It turns that off before it forks.)
 */
export const ownFlags: readonly string[] = ['--single-threaded', '--v8-pool-size=1', '--disable-sigusr1', '--no-lazy'];

/** Makes a forked process say of itself what a spawned worker says. */
export function ownIdentity(pid: number, workerFile: string): void {
  Object.defineProperty(process, 'pid', { value: pid, writable: false, enumerable: true, configurable: true });
  process.argv.splice(1, Infinity, workerFile);
  process.execArgv = process.execArgv.filter((flag) => !ownFlags.includes(flag));
}
