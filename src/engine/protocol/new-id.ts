// Ids are made on both sides of the channel: of runs by a runner, of objects and of the runs of a batch by a worker.

const poolBytes = 4096;
/** Random bytes that were not given out yet, in hexadecimal. */
let pool = '';
let used = 0;
let lastMs = 0;
let time = '';
let count = 0;

/** A new UUID of version 7 (RFC 9562): ids sort as they were made, also within a millisecond and when the clock is set back. */
export function newId(): string {
  const now = new Date().getTime();
  // A counter begins in the lower half of its 12 bits, so that a millisecond has room for many.
  if (now > lastMs) begin(now, Number.parseInt(random(3), 16) >> 1);
  else if (count < 0xfff) count += 1;
  else begin(lastMs + 1, 0);
  const variant = 8 + (Number.parseInt(random(1), 16) & 3);
  return `${time}-7${count.toString(16).padStart(3, '0')}-${variant.toString(16)}${random(3)}-${random(12)}`;
}

function begin(ms: number, firstCount: number): void {
  lastMs = ms;
  count = firstCount;
  const hex = ms.toString(16).padStart(12, '0');
  time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** So many random hexadecimal digits. */
function random(digits: number): string {
  if (used + digits > pool.length) {
    // Loaded here and not at the start: a task that stores nothing does not need it.
    pool = process.getBuiltinModule('node:crypto').randomBytes(poolBytes).toString('hex');
    used = 0;
  }
  used += digits;
  return pool.slice(used - digits, used);
}
