import log4js from 'log4js';
import { readFileSync } from 'node:fs';

export async function run({ folder }) {
  log4js.configure({ appenders: { file: { type: 'file', filename: `${folder}/log4js.log`, layout: { type: 'pattern', pattern: '%p %m' } } }, categories: { default: { appenders: ['file'], level: 'info' } } });
  log4js.getLogger().info('hello');
  await new Promise((done) => log4js.shutdown(done));
  return readFileSync(`${folder}/log4js.log`, 'utf8');
}
