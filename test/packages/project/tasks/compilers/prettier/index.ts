import * as prettier from 'prettier';

export async function run() {
  return prettier.format('a  =  1', { parser: 'babel' });
}
