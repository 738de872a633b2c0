import pino from 'pino';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export async function run({ folder }) {
  const transport = pino.transport({ targets: [{ target: 'pino/file', options: { destination: `${folder}/transport.log` } }, { target: 'pino-pretty', options: { destination: `${folder}/pretty.log`, colorize: false, ignore: 'time,pid,hostname' } }] });
  const log = pino({ timestamp: false, base: null }, transport);
  for (let n = 0; n < 20; n += 1) log.info({ n }, 'hello');
  const closed = once(transport, 'close');
  transport.end();
  // The transport's thread alone keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  await closed;
  clearInterval(alive);
  return [readFileSync(`${folder}/transport.log`, 'utf8').split('\n').length - 1, readFileSync(`${folder}/pretty.log`, 'utf8').split('hello').length - 1];
}
