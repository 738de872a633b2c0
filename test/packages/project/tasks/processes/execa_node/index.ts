import { execaNode } from 'execa';
import { fileURLToPath } from 'node:url';

export async function run() {
  const child = execaNode(fileURLToPath(new URL('./child.mjs', import.meta.url)), ['a b'], { ipc: true });
  const message = await child.getOneMessage();
  const { exitCode } = await child;
  return { message, exitCode };
}
