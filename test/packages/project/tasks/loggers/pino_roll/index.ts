import pino from 'pino';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

export async function run({ folder }) {
  const transport = pino.transport({ target: 'pino-roll', options: { file: `${folder}/roll/app`, frequency: 'daily', mkdir: true, extension: '.log' } });
  const log = pino({ timestamp: false, base: null }, transport);
  for (let n = 0; n < 20; n += 1) log.info({ n }, 'hello');
  const closed = once(transport, 'close');
  transport.end();
  const alive = setInterval(() => undefined, 1_000);
  await closed;
  clearInterval(alive);
  return readdirSync(`${folder}/roll`).map((file) => readFileSync(`${folder}/roll/${file}`, 'utf8').split('\n').length - 1);
}
