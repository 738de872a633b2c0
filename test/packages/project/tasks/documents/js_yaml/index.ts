import { dump, load } from 'js-yaml';

export async function run() {
  return { read: load('a: [1, 2]\nb: {c: d}'), written: dump({ a: [1] }) };
}
