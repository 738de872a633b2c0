import { Octokit } from 'octokit';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const { data } = await new Octokit({ baseUrl: url }).rest.repos.get({ owner: 'o', repo: 'r' });
    return { data, requests };
  }, JSON.stringify({ id: 1, name: 'r' }));
}
