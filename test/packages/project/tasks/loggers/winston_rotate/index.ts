import winston from 'winston';
import DailyRotateFile from 'winston-daily-rotate-file';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';

export async function run({ folder }) {
  const transport = new DailyRotateFile({ dirname: `${folder}/rotate`, filename: 'app.log', datePattern: '[day]' });
  const log = winston.createLogger({ transports: [transport] });
  log.warn('hello');
  log.end();
  await once(transport, 'finish');
  return readdirSync(`${folder}/rotate`).filter((name) => name.startsWith('app')).length;
}
