import got from 'got';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => ({ body: await got.post(url, { json: { a: 1 } }).text(), requests: requests.length }), 'hello');
}
