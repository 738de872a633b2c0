import winston from 'winston';
import Transport from 'winston-transport';

class Kept extends Transport {
  readonly lines: string[] = [];
  log(info, done) { this.lines.push(info[Symbol.for('message')]); done(); }
}

export async function run() {
  const kept = new Kept();
  const log = winston.createLogger({ format: winston.format.combine(winston.format.splat(), winston.format.json()), transports: [kept] });
  log.warn('hello %s', 'Ada', { n: 1 });
  return { lines: kept.lines, isTransport: kept instanceof Transport };
}
