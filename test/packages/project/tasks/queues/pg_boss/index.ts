import { PgBoss } from 'pg-boss';

export async function run({ postgres }) {
  const boss = new PgBoss({ connectionString: postgres, schema: `boss_${Math.random().toString(36).slice(2)}` });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue('q');
  const id = await boss.send('q', { n: 1 });
  const [job] = await boss.fetch('q');
  await boss.stop({ graceful: false });
  return { same: job.id === id, data: job.data };
}
