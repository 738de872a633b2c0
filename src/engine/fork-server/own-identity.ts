import { ownFlags } from './own-flags.ts';

/** Makes a forked process say of itself what a spawned worker says. */
export function ownIdentity(pid: number, workerFile: string): void {
  Object.defineProperty(process, 'pid', { value: pid, writable: false, enumerable: true, configurable: true });
  process.argv.splice(1, Infinity, workerFile);
  process.execArgv = process.execArgv.filter((flag) => !ownFlags.includes(flag));
}
