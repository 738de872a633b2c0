import winston from 'winston';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export async function run({ folder }) {
  const file = new winston.transports.File({ filename: `${folder}/winston.log` });
  const log = winston.createLogger({ format: winston.format.json(), transports: [file] });
  log.info('hello', { n: 1 });
  log.end();
  await once(file, 'finish');
  await new Promise((done) => setTimeout(done, 100));
  return readFileSync(`${folder}/winston.log`, 'utf8');
}
