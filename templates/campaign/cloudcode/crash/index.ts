import { begin, end } from '../_witness.ts';

export const config = { maxAttempts: 3 };

/** Ends without an answer as often as it is told to: from three times on it is poison, and its run ends as `dead`. */
export async function run({
  how,
  times,
}: {
  readonly how: 'exit' | 'abort' | 'throw' | 'kill';
  readonly times: number;
}): Promise<string> {
  await begin();
  if (CloudCode.run.attempt <= times) {
    if (how === 'exit') process.exit(7);
    if (how === 'abort') process.abort();
    if (how === 'kill') process.kill(process.pid, 'SIGKILL');
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    await new Promise(() => undefined);
  }
  end();
  return CloudCode.run.fence;
}
