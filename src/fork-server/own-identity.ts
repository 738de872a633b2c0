/** Makes a forked process say of itself what a spawned worker says. */
export function ownIdentity(pid: number, workerFile: string): void {
  Object.defineProperty(process, 'pid', { value: pid, writable: false, enumerable: true, configurable: true });
  process.argv.splice(1, Infinity, workerFile);
  process.execArgv = process.execArgv.filter((flag) => !ownFlags.has(flag));
}

/** Those of the fork server that a spawned worker does not have. */
const ownFlags = new Set(['--single-threaded', '--v8-pool-size=1', '--disable-sigusr1', '--no-lazy']);
