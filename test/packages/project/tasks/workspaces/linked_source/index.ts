import { twice, version } from 'linked-source';

export async function run() {
  return { four: twice(2), version };
}
