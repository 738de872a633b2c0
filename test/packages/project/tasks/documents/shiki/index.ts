import { codeToHtml } from 'shiki';

export async function run() {
  return codeToHtml('const a: number = 1;', { lang: 'typescript', theme: 'nord' });
}
