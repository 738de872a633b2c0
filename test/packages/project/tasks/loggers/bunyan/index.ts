import bunyan from 'bunyan';

export async function run() {
  const ring = new bunyan.RingBuffer({ limit: 5 });
  bunyan.createLogger({ name: 'x', streams: [{ type: 'raw', stream: ring }] }).info({ n: 1 }, 'hello');
  return ring.records.map(({ name, msg, n }) => ({ name, msg, n }));
}
