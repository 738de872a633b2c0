import { openSync, readSync } from 'node:fs';
import { hrtime, platform } from 'node:process';

let uptimeFile: number | undefined;
const buffer = Buffer.alloc(64);

/**
 * Milliseconds of a monotonic clock that also counts the time the machine was suspended. Kill deadlines are measured with it: a clock that stands still in
 * suspend would let a worker live on after its lease.
 *
 * Linux: `/proc/uptime`, which is CLOCK_BOOTTIME with a resolution of 10 ms, rounded down; a read costs about 5 µs. Every process of one machine (and time namespace)
 * sees the same value, so a deadline may be handed to another process.
 * Elsewhere: `process.hrtime`, which is monotonic and the same for all processes, but on macOS may stand still in sleep; there the promise for leases does not count sleep.
 */
export function bootTimeMs(): number {
  if (platform !== 'linux') return Number(hrtime.bigint() / 1_000_000n);
  uptimeFile ??= openSync('/proc/uptime', 'r');
  const length = readSync(uptimeFile, buffer, 0, buffer.length, 0);
  // "4314.91 8397.74": two decimals always, so the digits without the point are hundredths of a second.
  const text = buffer.toString('latin1', 0, length);
  return Number(text.slice(0, text.indexOf(' ')).replace('.', '')) * 10;
}
