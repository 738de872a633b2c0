import { begin, end, scheduleAllWitnessed, type Work } from '../_witness.ts';

interface Child {
  readonly key: string;
  readonly queue?: string;
  readonly after?: number;
  readonly parameters: Work;
}

/** Schedules many at once. Their keys keep a second attempt from scheduling what is unfinished once more. */
export async function run({ children }: { readonly children: readonly Child[] }): Promise<string> {
  await begin();
  await scheduleAllWitnessed(children.map((child) => ({ task: 'step' as const, ...child })));
  end();
  return CloudCode.run.fence;
}
