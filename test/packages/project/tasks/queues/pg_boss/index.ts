import { PgBoss } from 'pg-boss';

export async function run({ postgres, folder }) {
  const boss = new PgBoss({ connectionString: postgres, schema: `boss_${folder.replace(/\W/g, '').slice(-20).toLowerCase()}` });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue('q');
  const id = await boss.send('q', { n: 1 });
  const [job] = await boss.fetch('q');
  await boss.stop({ graceful: false });
  return { same: job.id === id, data: job.data };
}
