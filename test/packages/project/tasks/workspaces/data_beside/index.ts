import { mail, rates } from '@parts/rates';

export async function run() {
  return { rates: rates(), mail: mail('Ada') };
}
