import fetch, { FormData } from 'node-fetch';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url) => ({ text: await (await fetch(url)).text(), form: typeof FormData }), 'hello');
}
