import ts from 'typescript';

export async function run() {
  return ts.transpileModule('const a: number = 1', { compilerOptions: { target: ts.ScriptTarget.ES2022 } }).outputText;
}
