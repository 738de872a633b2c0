import { Storage } from '@google-cloud/storage';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const storage = new Storage({ apiEndpoint: url, projectId: 'project', useAuthWithCustomEndpoint: false });
    const [contents] = await storage.bucket('box').file('a.txt').download({ validation: false });
    return { text: contents.toString(), requests };
  });
}
