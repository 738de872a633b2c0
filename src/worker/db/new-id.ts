const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const pool = new Uint8Array(4096);
let used = pool.length;
let lastMs = 0;
let count = 0;

/** A new UUID of version 7 (RFC 9562): ids sort as they were made, also within a millisecond and when the clock is set back. */
export function newId(): string {
  const random = takeRandom();
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Half of the counter's 12 bits, so that a millisecond has room for many.
    count = ((random[0] ?? 0) << 3) | ((random[1] ?? 0) & 7);
  } else {
    count += 1;
    if (count > 0xfff) {
      lastMs += 1;
      count = 0;
    }
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const hex = (index: number): string => hexOfByte[random[index] ?? 0] ?? '';
  const variant = hexOfByte[((random[2] ?? 0) & 0x3f) | 0x80] ?? '';
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${variant}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
}

/** 10 random bytes that were never given out before. */
function takeRandom(): Uint8Array {
  if (used + 10 > pool.length) {
    // Loaded here and not at the start: a task that stores nothing does not need it.
    process.getBuiltinModule('node:crypto').randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + 10);
  used += 10;
  return random;
}
