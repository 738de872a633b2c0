import mjml2html from 'mjml';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export async function run() {
  const filePath = fileURLToPath(new URL('./mail.mjml', import.meta.url));
  const { html } = await mjml2html(readFileSync(filePath, 'utf8'), { filePath, ignoreIncludes: false, includePath: fileURLToPath(new URL('.', import.meta.url)) });
  return { has: html.includes('From a part'), length: html.length };
}
