import { readFile, rename, writeFile } from 'node:fs/promises';

// One instance at a time: whoever schedules this task names the queue `results`. No two runs of one queue ever overlap, so none
// can overwrite what another has just added. Without the queue, two that end together would both read the old file.

const file = new URL('../../results.json', import.meta.url);
const newFile = new URL('../../results.json.new', import.meta.url);

export async function run({ below, primes }: { below: number; primes: number }): Promise<number> {
  const results = await readResults();
  // By key: a run is attempted at least once, so doing it again must change nothing.
  results[`primes below ${below}`] = primes;
  await writeFile(newFile, `${JSON.stringify(results, null, 2)}\n`);
  await rename(newFile, file);
  return Object.keys(results).length;
}

async function readResults(): Promise<Record<string, number>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}
