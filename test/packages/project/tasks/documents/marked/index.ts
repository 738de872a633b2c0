import { marked } from 'marked';

export async function run() {
  return marked.parse('# Hello\n\n- a\n- b');
}
