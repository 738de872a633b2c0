import { leftVersion } from 'linked-source/left.ts';

export async function run() {
  return leftVersion();
}
