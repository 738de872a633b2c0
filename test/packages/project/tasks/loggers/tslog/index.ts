import { Logger } from 'tslog';

export async function run() {
  const lines = [];
  const log = new Logger({ type: 'hidden', name: 'x' });
  log.attachTransport((line) => lines.push(line['0']));
  log.info('hello');
  return lines;
}
