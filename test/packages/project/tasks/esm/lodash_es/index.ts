import { chunk, groupBy } from 'lodash-es';

export async function run() {
  return { chunks: chunk([1, 2, 3], 2), groups: groupBy([1.2, 1.5, 2], Math.floor) };
}
