import { makeWorkerUtils, runOnce } from 'graphile-worker';

export async function run({ postgres, folder }) {
  const schema = `gw_${folder.replace(/\W/g, '').slice(-20).toLowerCase()}`;
  const utils = await makeWorkerUtils({ connectionString: postgres, schema });
  await utils.migrate();
  await utils.addJob('hello', { n: 1 });
  const seen: unknown[] = [];
  await runOnce({ connectionString: postgres, schema, noHandleSignals: true, taskList: { hello: async (payload) => { seen.push(payload); } } });
  await utils.release();
  return seen;
}
