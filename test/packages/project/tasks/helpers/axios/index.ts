import axios from 'axios';
import { fetch as undiciFetch } from 'undici';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url) => [(await axios.post(url, { a: 1 })).data, await (await undiciFetch(url)).text()], 'hello');
}
