import Redis from 'ioredis';
import { withRedis } from '../support.ts';

export async function run() {
  return withRedis(async (port) => {
    const redis = new Redis({ port, lazyConnect: true, enableReadyCheck: false, retryStrategy: null });
    await redis.connect();
    const answers = [await redis.set('a', '1'), await redis.get('a')];
    redis.disconnect();
    return answers;
  });
}
