import { begin, doWork, end, linger, type Work } from '../_witness.ts';

/** Most of a campaign's runs: does a little of what tasks do. */
export async function run(work: Work): Promise<string> {
  await begin();
  await doWork(work);
  end();
  if (work.lingersMs !== undefined) linger(work.lingersMs);
  if (work.throws === true) throw new Error('thrown as planned');
  return CloudCode.run.fence;
}
