import { begin, end } from '../_witness.ts';

export const config = { maxAttempts: 2, memoryMb: 96 };

/** Fills its memory: its heap, or what lies outside of it. */
export async function run({ where }: { readonly where: 'heap' | 'buffers' }): Promise<string> {
  await begin();
  const kept: unknown[] = [];
  // Bounded, should the limit fail.
  for (let round = 0; round < 400; round += 1) {
    kept.push(
      where === 'heap' ? Array.from({ length: 100_000 }, (_, index) => ({ index, round })) : Buffer.alloc(2 ** 20, 1),
    );
    if (round % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  end();
  return `${CloudCode.run.fence}: ${kept.length} pieces fitted in`;
}
