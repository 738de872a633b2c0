import cron from 'node-cron';

export async function run() {
  return [cron.validate('*/5 * * * *'), cron.validate('61 * * * *')];
}
