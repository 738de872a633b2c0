import { inThread } from '@parts/crew';

export async function run() {
  return inThread('1.2.3');
}
