import { transform } from 'lightningcss';

export async function run() {
  return transform({ filename: 'a.css', code: Buffer.from('a { color: rgb(255, 0, 0) }'), minify: true }).code.toString();
}
