import { plugins } from '@parts/plugins';

export async function run() {
  return plugins();
}
