import Anthropic from '@anthropic-ai/sdk';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const client = new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 });
    const answer = await client.messages.create({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] });
    return { content: answer.content, requests };
  }, JSON.stringify({ id: '1', type: 'message', content: [{ type: 'text', text: 'hello' }] }));
}
