import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** What a stream brings until it closes. */
export async function textOf(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(stream, 'close');
  return text;
}
