import { createClient } from '@supabase/supabase-js';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const client = createClient(url, 'key', { auth: { persistSession: false, autoRefreshToken: false } });
    const { data, error } = await client.from('items').select('id, name').eq('id', 1);
    return { data, error, requests };
  }, JSON.stringify([{ id: 1, name: 'one' }]));
}
