import { readFileSync, readlinkSync } from 'node:fs';
import { pid as ownPid, platform } from 'node:process';
import { readStat } from './containment/proc-files.ts';

/**
 * Text that names this process for certain, among all processes of all machines and all times: the machine's boot, the PID namespace,
 * the pid and when it started. Null where there is no /proc.
 */
export function ownProcessIdentity(): string | null {
  const home = processHome();
  const stat = home === null ? null : readStat(ownPid);
  return home === null || stat === null ? null : `${home} ${ownPid} ${stat.startTicks}`;
}

/** Whether the process ran on this machine since it was booted, in this PID namespace. */
export function isOfThisMachine(identity: string | null): identity is string {
  const home = processHome();
  return identity !== null && home !== null && identity.startsWith(`${home} `);
}

/** True only when the process was of this machine, and is gone. */
export function isKnownDead(identity: string | null): boolean {
  const home = processHome();
  if (home === null || !isOfThisMachine(identity)) return false;
  const [pid, startTicks] = identity.slice(home.length + 1).split(' ').map(Number);
  if (pid === undefined || startTicks === undefined) return false;
  const stat = readStat(pid);
  return stat === null || stat.startTicks !== startTicks || stat.state === 'Z' || stat.state === 'X';
}

let knownHome: string | null | undefined;

function processHome(): string | null {
  return (knownHome ??= readProcessHome());
}

function readProcessHome(): string | null {
  if (platform !== 'linux') return null;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}
