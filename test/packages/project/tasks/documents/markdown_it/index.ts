import hljs from 'highlight.js';
import MarkdownIt from 'markdown-it';

export async function run() {
  const markdown = new MarkdownIt({ html: true, linkify: true, highlight: (text, language) => hljs.highlight(text, { language }).value });
  return markdown.render('# Hello\n\n```js\nconst a = 1;\n```\n\nhttp://example.org');
}
