import { readFileSync, readlinkSync } from 'node:fs';
import { geteuid, pid as ownPid, platform } from 'node:process';
import { hasEnded, readStat } from './containment/proc-files.ts';

/**
 * Text that names this process for certain, among all processes of all machines and all times: the machine's boot, the PID namespace,
 * the pid, when it started, and its user. Null where there is no /proc.
 */
export function ownProcessIdentity(): string | null {
  const home = processHome();
  const stat = home === null ? null : readStat(ownPid);
  return home === null || stat === null ? null : `${home} ${ownPid} ${stat.startTicks} ${geteuid?.()}`;
}

/** Whether the process ran on this machine since it was booted, in this PID namespace. */
function isOfThisMachine(identity: string | null): identity is string {
  const home = processHome();
  return identity !== null && home !== null && identity.startsWith(`${home} `);
}

/**
 * Whether all that a runner's workers started can be found from here, and ended: it is of this machine, and of this user unless this process may look into everybody's. What cannot
 * be looked into looks as if there were nothing.
 */
export function canEndWorkersOf(identity: string | null): identity is string {
  if (!isOfThisMachine(identity)) return false;
  return fieldsOf(identity).user === geteuid?.() || maySeeAll();
}

/** True only when the process was of this machine, and is gone for certain: one that hides from this user is not, nor one that cannot be looked at now. */
export function isKnownDead(identity: string | null): boolean {
  if (!isOfThisMachine(identity)) return false;
  const { pid, startTicks } = fieldsOf(identity);
  if (!Number.isInteger(pid) || !Number.isInteger(startTicks)) return false;
  try {
    return hasEnded(pid, startTicks);
  } catch {
    return false;
  }
}

/** What follows the machine's boot and the PID namespace. `NaN` for what is not there. */
function fieldsOf(identity: string): { readonly pid: number; readonly startTicks: number; readonly user: number } {
  const [pid = NaN, startTicks = NaN, user = NaN] = identity.split(' ').slice(2).map(Number);
  return { pid, startTicks, user };
}

/** The capabilities to look into, and to signal, processes of other users: CAP_SYS_PTRACE and CAP_KILL of the kernel's capability.h. */
const lookAndKill = (1n << 19n) | (1n << 5n);

function maySeeAll(): boolean {
  try {
    const [, effective = '0'] = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return (BigInt(`0x${effective}`) & lookAndKill) === lookAndKill;
  } catch {
    return false;
  }
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
