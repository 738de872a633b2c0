import { transform } from '@swc/core';

export async function run() {
  return (await transform('const a: number = 1', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, isModule: true })).code;
}
