import { begin, doWork, end, scheduleWitnessed, type Work } from '../_witness.ts';

/** Schedules the next of its kind, before it reads or writes anything: an attempt that is superseded meanwhile gets as far as to ask for that. */
export async function run({ links, ...work }: Work & { readonly links: number }): Promise<string> {
  await begin();
  await doWork({ ...work, writes: false });
  const { queue } = CloudCode.run;
  if (links > 0)
    await scheduleWitnessed({
      task: 'chain',
      parameters: { ...work, links: links - 1 },
      ...(queue === null ? {} : { queue }),
    });
  if (work.writes === true) await doWork({ writes: true });
  end();
  return CloudCode.run.fence;
}
