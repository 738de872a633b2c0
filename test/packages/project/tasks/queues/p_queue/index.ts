import PQueue from 'p-queue';

export async function run() {
  const queue = new PQueue({ concurrency: 1 });
  return Promise.all([3, 2, 1].map((n) => queue.add(async () => n * 2)));
}
