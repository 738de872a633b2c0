import signale from 'signale';
import { Writable } from 'node:stream';

export async function run() {
  const lines: string[] = [];
  const stream = new Writable({ write(line, _encoding, done) { lines.push(String(line)); done(); } });
  new signale.Signale({ stream, config: { displayTimestamp: false } }).success('done %d', 3);
  return lines;
}
