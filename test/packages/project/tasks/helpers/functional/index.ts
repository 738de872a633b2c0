import * as R from 'ramda';
import { firstValueFrom, from, map, toArray } from 'rxjs';
import { v5 } from 'uuid';

export async function run() {
  return { ramda: R.pipe(R.map(R.multiply(2)), R.sum)([1, 2]), rxjs: await firstValueFrom(from([1, 2]).pipe(map((n) => n + 1), toArray())), uuid: v5('a', v5.DNS) };
}
