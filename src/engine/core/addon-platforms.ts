const elfMachines: Readonly<Record<number, string>> = {
  0x03: 'ia32',
  0x15: 'ppc64',
  0x16: 's390x',
  0x28: 'arm',
  0x3e: 'x64',
  0xb7: 'arm64',
  0xf3: 'riscv64',
  0x102: 'loong64',
};
const machTypes: Readonly<Record<number, string>> = { 0x7: 'ia32', 0x01000007: 'x64', 0x0100000c: 'arm64' };
const peMachines: Readonly<Record<number, string>> = { 0x14c: 'ia32', 0x8664: 'x64', 0xaa64: 'arm64' };

/**
 * For which platforms a native add-on (a `.node` file) was built, as `${process.platform}-${process.arch}`: `linux-x64`.
 * Android and the BSDs, whose files are as Linux's, count as Linux.
 * @param start the first 4 KiB of the file, or all of it
 */
export function addonPlatforms(start: Buffer): readonly string[] {
  if (start.length < 64) return [];
  const magic = start.readUInt32BE(0);
  if (magic === 0x7f454c46) {
    const machine = start[5] === 2 ? start.readUInt16BE(18) : start.readUInt16LE(18);
    return [`linux-${elfMachines[machine] ?? 'unknown'}`];
  }
  if (magic === 0xcffaedfe || magic === 0xcefaedfe) return [`darwin-${machTypes[start.readUInt32LE(4)] ?? 'unknown'}`];
  if (magic === 0xcafebabe) return universal(start);
  const header = start.readUInt32LE(0x3c);
  if (start.toString('latin1', 0, 2) !== 'MZ' || header + 6 > start.length) return [];
  return [`win32-${peMachines[start.readUInt16LE(header + 4)] ?? 'unknown'}`];
}

/** Several files in one: a list of records of 20 bytes follows the header. */
function universal(start: Buffer): readonly string[] {
  const count = Math.min(start.readUInt32BE(4), Math.floor((start.length - 8) / 20));
  return Array.from(
    { length: count },
    (_none, at) => `darwin-${machTypes[start.readUInt32BE(8 + 20 * at)] ?? 'unknown'}`,
  );
}
