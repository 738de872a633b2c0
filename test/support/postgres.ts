import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import pg from 'pg';
import { type EmbeddedServer, startEmbeddedServer } from '../../src/store/embedded/start-embedded-server.ts';

export interface TestDatabase {
  readonly url: string;
  dispose(): Promise<void>;
}

let embedded: Promise<EmbeddedServer> | null = null;

/** A fresh database: on the server that CLOUDCODE_TEST_DATABASE_URL names, else on one embedded server for this test process. */
export async function testDatabaseUrl(): Promise<TestDatabase> {
  const server = process.env['CLOUDCODE_TEST_DATABASE_URL'] ?? (await (embedded ??= startTestServer())).url;
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runOn(server, `create database ${name}`);
  return { url: withDatabase(server, name), dispose: () => runOn(server, `drop database if exists ${name} with (force)`) };
}

let folder: string | null = null;

async function startTestServer(): Promise<EmbeddedServer> {
  folder = mkdtempSync(join(tmpdir(), 'cloudcode-test-'));
  return startEmbeddedServer({ folder: join(folder, '.cloudcode') });
}

// At the top of the module, so that it belongs to the file's root and not to the test that asked first.
after(async () => {
  await (await embedded)?.release();
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
});

async function runOn(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(text);
  await client.end();
}

// The embedded server's URL has no host (`postgres://user:password@/name?host=…`), which the URL class does not take.
function withDatabase(url: string, name: string): string {
  return url.replace(/^([^?]*\/\/[^/?]*\/)[^?]*/, `$1${name}`);
}
