import { begin, doWork, end, scheduleWitnessed, type Work } from '../_witness.ts';

/** Schedules the next of its kind. */
export async function run({ links, ...work }: Work & { readonly links: number }): Promise<string> {
  await begin();
  await doWork(work);
  const { queue } = CloudCode.run;
  if (links > 0)
    await scheduleWitnessed([
      { task: 'chain', parameters: { ...work, links: links - 1 }, ...(queue === null ? {} : { queue }) },
    ]);
  end();
  return CloudCode.run.fence;
}
