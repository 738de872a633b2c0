import { $ } from 'zx';

export async function run() {
  return (await $`echo ${"it's"} | tr a-z A-Z`.quiet()).stdout;
}
