import { names, page, where } from '@parts/legacy';

export async function run() {
  return { names: names(), page: page(), where: where() };
}
