import pidusage from 'pidusage';
import treeKill from 'tree-kill';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export async function run() {
  const child = spawn('sleep', ['30']);
  await once(child, 'spawn');
  const { pid, memory } = await pidusage(child.pid);
  treeKill(child.pid, 'SIGTERM');
  const [, signal] = await once(child, 'exit');
  return { isSame: pid === child.pid, hasMemory: memory > 0, signal };
}
