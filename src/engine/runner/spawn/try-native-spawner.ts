import { once } from 'node:events';
import { send } from '../containment/end-owned.ts';
import { readStat } from '../containment/proc-files.ts';
import type { NativeSpawner } from './native-spawner.ts';

const endWithinMs = 5_000;
const script = 'read -r line <&3; echo "output $line"; echo "errors $line" >&2; echo "channel $line" >&3; exit 7';

/** Starts a shell that uses all that a worker is given. Rejects with what is wrong. */
export async function tryNativeSpawner(spawner: NativeSpawner): Promise<void> {
  const child = spawner.spawn({ file: '/bin/sh', arguments: ['-c', script], environment: {}, folder: '/' });
  const overdue = setTimeout(() => send(child.pid, 'SIGKILL'), endWithinMs);
  try {
    const session = readStat(child.pid)?.session;
    const said = Promise.all([child.stdout, child.stderr, child.channel].map(textOf));
    child.channel.write('word\n');
    const { code, signal } = await child.closed;
    const texts = await said;
    const told = `${texts.join('')}${code ?? signal} ${session === child.pid}`;
    if (told !== 'output word\nerrors word\nchannel word\n7 true')
      throw new Error(`a process that it started answered ${JSON.stringify(told)}`);
  } finally {
    clearTimeout(overdue);
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => (text += chunk));
  stream.on('error', () => undefined);
  await once(stream, 'close');
  return text;
}
