import { randomUUID } from 'node:crypto';
import pg from 'pg';

// To be replaced by the embedded helper's version.
export async function testDatabaseUrl(): Promise<{ url: string; dispose(): Promise<void> }> {
  const server = process.env['CLOUDCODE_TEST_DATABASE_URL'] ?? '';
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const run = async (text: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(text);
    await client.end();
  };
  await run(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, dispose: () => run(`drop database if exists ${name} with (force)`) };
}
