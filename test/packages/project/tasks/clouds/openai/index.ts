import OpenAI from 'openai';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const client = new OpenAI({ apiKey: 'k', baseURL: url, maxRetries: 0 });
    const answer = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hi' }] });
    return { text: answer.choices[0]?.message.content, requests };
  }, JSON.stringify({ id: '1', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'hello' } }] }));
}
