import { google } from 'googleapis';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const drive = google.drive({ version: 'v3', auth: 'key', rootUrl: `${url}/` });
    const { data } = await drive.files.list({ pageSize: 3 });
    return { data, requests };
  }, JSON.stringify({ files: [{ id: '1', name: 'one' }] }));
}
