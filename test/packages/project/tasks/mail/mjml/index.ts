import mjml2html from 'mjml';

export async function run() {
  const { html, errors } = await mjml2html('<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>');
  return { has: html.includes('Hello'), errors, length: html.length };
}
