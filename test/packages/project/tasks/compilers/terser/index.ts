import { minify } from 'terser';

export async function run() {
  return (await minify('function f(long) { return long + 1 } f(1)')).code;
}
