import ky from 'ky';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url) => ky.get(url, { retry: 0 }).json(), '{"a":1}');
}
