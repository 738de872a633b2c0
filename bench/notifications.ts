import pg from 'pg';
import { openCloudCode } from './engine/cloudcode.ts';
import { startServer } from './engine/server.ts';
import { type BenchOptions, type Figure, sized } from './measurement.ts';
import { schedulingWays } from './scheduling.ts';

/** Whatever the burst's size. */
const atMost = 100;

/** How many notifications each runner gets while 10,000 runs are scheduled. */
export async function measureNotifications(options: BenchOptions): Promise<readonly Figure[]> {
  const burst = sized(options, { quick: 1000, short: 10_000, full: 10_000 });
  await using server = await startServer();
  const database = await server.createDatabase('ours');
  await using ours = await openCloudCode({ database });
  const listener = new pg.Client(database.url);
  await listener.connect();
  let heard = 0;
  listener.on('notification', () => (heard += 1));
  await listener.query('listen cloudcode');
  const figures: Figure[] = [];
  try {
    for (const { name, schedule } of schedulingWays) {
      heard = 0;
      await schedule(ours, burst);
      await listener.query('select 1'); // what was sent before is delivered before the answer
      figures.push({ name: `${name}_for_${burst}`, value: heard, unit: '', goal: { atMost } });
      await ours.clear();
    }
  } finally {
    await listener.end();
  }
  return figures;
}
