import { customAlphabet, nanoid } from 'nanoid';

export async function run() {
  return { length: nanoid().length, id: customAlphabet('a', 5)() };
}
