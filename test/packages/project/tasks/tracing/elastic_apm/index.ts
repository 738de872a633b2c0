import apm from 'elastic-apm-node';

export async function run() {
  apm.start({ active: true, serviceName: 'x', serverUrl: 'http://127.0.0.1:1', logLevel: 'off', disableSend: true, centralConfig: false, cloudProvider: 'none' });
  const transaction = apm.startTransaction('t', 'job');
  const span = apm.startSpan('s');
  span?.end();
  transaction.end('ok');
  return { isStarted: apm.isStarted(), name: transaction.name, result: transaction.result };
}
