import Bree from 'bree';
import { fileURLToPath } from 'node:url';

export async function run() {
  return new Promise((resolve, reject) => {
    const bree = new Bree({ root: fileURLToPath(new URL('./jobs', import.meta.url)), defaultExtension: 'mjs', doRootCheck: false, logger: false, jobs: ['hello'], errorHandler: reject, workerMessageHandler: ({ name, message }) => { bree.stop().then(() => resolve({ name, message }), reject); } });
    bree.run('hello').catch(reject);
  });
}
