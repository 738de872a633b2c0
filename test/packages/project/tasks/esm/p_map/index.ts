import pMap from 'p-map';
import pLimit from 'p-limit';

export async function run() {
  const limit = pLimit(1);
  return [await pMap([1, 2], async (n) => n * 2, { concurrency: 1 }), await limit(() => 3)];
}
