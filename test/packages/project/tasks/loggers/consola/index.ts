import { createConsola } from 'consola';

export async function run() {
  const lines = [];
  createConsola({ reporters: [{ log: ({ type, args }) => lines.push([type, ...args]) }] }).warn('hello', 1);
  return lines;
}
