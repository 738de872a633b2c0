import type { TaskConfig } from 'cloudcode';

// Splitting long work: a run does one piece, then schedules the rest as a run of its own. No run comes near its time limit,
// however long the whole takes, and a crash costs one piece only.

export const config: TaskConfig = { timeoutMs: 60_000 };

const pieceSize = 250_000;

interface Piece {
  /** Where to stop. */
  below?: number;
  /** Where this piece begins. */
  from?: number;
  /** How many were found in the pieces before it. */
  found?: number;
}

export async function run({ below = 1_000_000, from = 2, found = 0 }: Piece): Promise<string> {
  const until = Math.min(from + pieceSize, below);
  const total = found + countPrimes(from, until);
  console.log(`${total} primes below ${until}`);
  if (until < below) {
    await CloudCode.scheduleTask({ task: 'count_primes', parameters: { below, from: until, found: total } });
    return `went on at ${until}`;
  }
  await CloudCode.scheduleTask({ task: 'save_result', parameters: { below, primes: total }, queue: 'results' });
  return `${total} primes below ${below}`;
}

function countPrimes(from: number, until: number): number {
  let count = 0;
  for (let number = from; number < until; number += 1) {
    if (isPrime(number)) count += 1;
  }
  return count;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) return false;
  }
  return number > 1;
}
