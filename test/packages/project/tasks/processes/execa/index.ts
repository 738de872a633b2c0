import { execa } from 'execa';

export async function run() {
  const { stdout } = await execa('node', ['-p', '6*7']);
  return { stdout, failed: (await execa('false', { reject: false })).exitCode };
}
