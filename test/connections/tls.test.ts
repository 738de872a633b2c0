import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cloudcode } from '../cli/cloudcode.ts';
import { type Authority, installCertificate, makeAuthority } from '../support/certificates.ts';
import { freePort, makePostgresServer, type PostgresServer } from '../support/postgres-server.ts';

const password = 'p#ss?w@rd:100%';

describe(
  '--database: a server with TLS, an authority of its own, and a password with reserved characters',
  { timeout: 240_000 },
  () => {
    let authority: Authority;
    let server: PostgresServer;
    let base = '';
    const empty = mkdtempSync(join(tmpdir(), 'cloudcode-empty-'));
    const noCertificate = join(empty, 'no.pem');
    before(async () => {
      authority = makeAuthority();
      const port = await freePort();
      server = makePostgresServer({ port });
      installCertificate(server.dataFolder, authority.sign('DNS:localhost'));
      writeFileSync(
        join(server.dataFolder, 'pg_hba.conf'),
        'local all all scram-sha-256\nhostssl all all all scram-sha-256\n',
      );
      writeFileSync(noCertificate, 'nothing');
      await server.start({ ssl: 'on' });
      await server.query(`create role "u#ser" login superuser password '${password}'`);
      base = `u#ser:${password}@HOST:${port}/postgres`;
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      authority[Symbol.dispose]();
      rmSync(empty, { recursive: true, force: true });
    });
    const list = (host: string, query: string) =>
      cloudcode(['runs', '--json', '--database', `postgres://${base.replace('HOST', host)}?${query}`], { cwd: empty });

    const works = [
      ['localhost', 'require'],
      ['127.0.0.1', 'require'],
      ['localhost', 'prefer'],
      ['localhost', 'allow'],
      ['localhost', 'no-verify'],
      ['localhost', 'verify-full&CA'],
      ['127.0.0.1', 'verify-ca&CA'],
      ['127.0.0.1', 'require&CA'],
    ] as const;
    for (const [host, mode] of works) {
      it(`sslmode=${mode} to ${host} works, as with psql`, async () => {
        const finished = await list(host, `sslmode=${mode.replace('CA', `sslrootcert=${authority.path}`)}`);
        assert.equal(finished.status, 0, finished.stderr);
        assert.deepEqual(JSON.parse(finished.stdout), { runs: [] });
      });
    }

    const refused = [
      ['localhost', '', 5, /no encryption[\s\S]*database_unreachable[\s\S]*sslmode=require/],
      ['localhost', 'sslmode=verify-full', 5, /certificate[\s\S]*database_unreachable[\s\S]*sslrootcert=/],
      ['localhost', 'sslmode=verify-ca', 5, /certificate[\s\S]*database_unreachable[\s\S]*sslrootcert=/],
      ['127.0.0.1', 'sslmode=verify-full&CA', 5, /certificate[\s\S]*database_unreachable[\s\S]*verify-ca/],
      [
        'localhost',
        'sslmode=verify-full&sslrootcert=/nowhere/ca.pem',
        2,
        /\/nowhere\/ca\.pem[\s\S]*ENOENT[\s\S]*invalid_database_url/,
      ],
      ['localhost', 'sslmode=verify-full&sslrootcert=NONE', 2, /no\.pem[\s\S]*invalid_database_url[\s\S]*PEM/],
      ['localhost', 'sslmode=sure', 2, /sslmode=sure[\s\S]*invalid_database_url[\s\S]*verify-full/],
    ] as const;
    for (const [host, query, status, told] of refused) {
      it(`${query || 'no sslmode'} to ${host} is refused, with what to do`, async () => {
        const finished = await list(
          host,
          query.replace('CA', `sslrootcert=${authority.path}`).replace('NONE', noCertificate),
        );
        assert.equal(finished.status, status, finished.stderr);
        assert.match(finished.stderr, told);
        assert.doesNotMatch(finished.stderr, /internal|^ +at |p#ss/m);
      });
    }

    it('a server without TLS: prefer works, require says what to do', async () => {
      await server.stop();
      writeFileSync(
        join(server.dataFolder, 'pg_hba.conf'),
        'local all all scram-sha-256\nhost all all all scram-sha-256\n',
      );
      await server.start({ ssl: 'off' });
      assert.equal((await list('localhost', 'sslmode=prefer')).status, 0);
      const finished = await list('localhost', 'sslmode=require');
      assert.equal(finished.status, 5);
      assert.match(finished.stderr, /does not support SSL[\s\S]*database_unreachable[\s\S]*ssl = on/);
      assert.match((await list('localhost', 'user=nobody')).stderr, /database_unreachable/);
    });

    it('a user who may not make schemas is told what it needs', async () => {
      await server.query("create role plain login password 'x'");
      const finished = await cloudcode(
        ['runs', '--database', `postgres://plain:x${server.url.slice(server.url.lastIndexOf('@'))}`],
        { cwd: empty },
      );
      assert.equal(finished.status, 5, finished.stderr);
      assert.match(finished.stderr, /permission denied[\s\S]*database_forbids[\s\S]*grant create/);
    });
  },
);
