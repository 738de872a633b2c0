import pino from 'pino';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export async function run({ folder }) {
  const destination = pino.destination({ dest: `${folder}/pino.log`, sync: false });
  await once(destination, 'ready');
  const log = pino({ timestamp: false, base: null }, destination);
  for (let n = 0; n < 20; n += 1) log.info({ n }, 'hello');
  destination.end();
  await once(destination, 'close');
  return readFileSync(`${folder}/pino.log`, 'utf8').split('\n').length - 1;
}
