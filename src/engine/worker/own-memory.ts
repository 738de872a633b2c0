// Taken before the task runs, which may put its own in their place.
const { closeSync, openSync, readSync } = process.getBuiltinModule('node:fs');
const { platform, resourceUsage } = process;
const buffer = Buffer.allocUnsafe(4096);

/**
 * The most memory that this process has had at one time, in bytes, as the limit of an attempt counts it: without file pages, such as those of Node itself. 0 when it cannot be told. `maxRSS` would not do
 * on Linux: it has the file pages, and the peak of the process that started this one.
 */
export function ownPeakBytes(): number {
  if (platform !== 'linux') return resourceUsage().maxRSS * 1024;
  try {
    const file = openSync('/proc/self/status', 'r');
    const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
    closeSync(file);
    return Math.max(0, kilobytesOf(text, 'VmHWM:') - kilobytesOf(text, 'RssFile:')) * 1024 || 0;
  } catch {
    return 0;
  }
}

function kilobytesOf(text: string, field: string): number {
  const at = text.indexOf(field);
  return at < 0 ? 0 : parseInt(text.slice(at + field.length), 10);
}
