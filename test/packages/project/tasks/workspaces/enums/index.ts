import { Car, Mode } from '@parts/modes';

export async function run() {
  return [new Car('a').tell(), new Car('b', Mode.Slow).tell()];
}
