import { chain } from '@parts/chain-top';
import { version } from 'uuid';

export async function run() {
  return { chain: chain(), hasVersion: typeof version };
}
