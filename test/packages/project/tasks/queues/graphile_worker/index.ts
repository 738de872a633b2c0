import { makeWorkerUtils, runOnce } from 'graphile-worker';

export async function run({ postgres }) {
  const schema = `gw_${Math.random().toString(36).slice(2)}`;
  const utils = await makeWorkerUtils({ connectionString: postgres, schema });
  await utils.migrate();
  await utils.addJob('hello', { n: 1 });
  const seen: unknown[] = [];
  await runOnce({ connectionString: postgres, schema, noHandleSignals: true, taskList: { hello: async (payload) => { seen.push(payload); } } });
  await utils.release();
  return seen;
}
