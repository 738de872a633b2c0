import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DatabaseAddress, parseDatabaseUrl } from '../../../src/engine/core/database-url.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';

const nothing = {
  hosts: [{ host: null, port: null }],
  user: null,
  password: null,
  database: null,
  sslMode: 'disable',
  rootCertificate: null,
  certificate: null,
  key: null,
  applicationName: null,
  options: null,
} as const satisfies DatabaseAddress;
const host = (name: string | null, port: number | null = null) => ({ host: name, port });

const read: readonly (readonly [url: string, Partial<DatabaseAddress>])[] = [
  ['postgres://', {}],
  ['postgresql://db', { hosts: [host('db')] }],
  ['postgres://me@db:5433/shop', { hosts: [host('db', 5433)], user: 'me', database: 'shop' }],
  // As psql reads them.
  ['postgres://me:p#ss@db/shop', { hosts: [host('db')], user: 'me', password: 'p#ss', database: 'shop' }],
  ['postgres://me:p?ss@db/shop', { hosts: [host('db')], user: 'me', password: 'p?ss', database: 'shop' }],
  [
    'postgres://me:p?a=b&c@db/shop?sslmode=require',
    { hosts: [host('db')], user: 'me', password: 'p?a=b&c', database: 'shop', sslMode: 'require' },
  ],
  ['postgres://me:a:b[c]+ d\\e@db', { hosts: [host('db')], user: 'me', password: 'a:b[c]+ d\\e' }],
  ['postgres://me:p@ss@db/shop', { hosts: [host('db')], user: 'me', password: 'p@ss', database: 'shop' }],
  ['postgres://me:%40%2F%25%C3%A4@db', { hosts: [host('db')], user: 'me', password: '@/%ä' }],
  ['postgres://me:100%@db', { hosts: [host('db')], user: 'me', password: '100%' }],
  ['postgres://m%65:@db/', { hosts: [host('db')], user: 'me' }],
  ['postgres://db/sh%23op#1', { hosts: [host('db')], database: 'sh#op#1' }],
  [
    'postgres://me:x@/shop?host=/run/a%2Cb&port=5433',
    { hosts: [host('/run/a,b', 5433)], user: 'me', password: 'x', database: 'shop' },
  ],
  ['postgres://%2Frun%2Fpg/shop', { hosts: [host('/run/pg')], database: 'shop' }],
  ['postgres://[::1]:5433,[fe80::1]/shop', { hosts: [host('::1', 5433), host('fe80::1')], database: 'shop' }],
  [
    'postgres://a:1,b,c:3/shop?target_session_attrs=read-write',
    { hosts: [host('a', 1), host('b'), host('c', 3)], database: 'shop' },
  ],
  ['postgres://me@/shop?host=a,b&port=1,2', { hosts: [host('a', 1), host('b', 2)], user: 'me', database: 'shop' }],
  ['postgres://a,b/?port=7&target_session_attrs=primary', { hosts: [host('a', 7), host('b', 7)] }],
  [
    'postgres://db/?user=me&password=p%23+s&dbname=shop',
    { hosts: [host('db')], user: 'me', password: 'p#+s', database: 'shop' },
  ],
  [
    'postgres://db/?sslmode=verify-ca&sslrootcert=/etc/ca.pem',
    { hosts: [host('db')], sslMode: 'verify-ca', rootCertificate: '/etc/ca.pem' },
  ],
  [
    'postgres://db/?sslrootcert=/etc/ca.pem',
    { hosts: [host('db')], sslMode: 'verify-full', rootCertificate: '/etc/ca.pem' },
  ],
  [
    'postgres://db/?ssl=true&sslcert=a&sslkey=b',
    { hosts: [host('db')], sslMode: 'verify-full', certificate: 'a', key: 'b' },
  ],
  [
    'postgres://db?application_name=shop&options=-c%20jit%3Doff&connect_timeout=10&pgbouncer=true',
    { hosts: [host('db')], applicationName: 'shop', options: '-c jit=off' },
  ],
];

const refused: readonly (readonly [url: string, RegExp, RegExp])[] = [
  ['postgres://me:secret/secret@db/shop', /`@` or a `\/` behind the host/, /%2F/],
  ['postgres://me:secret/secret', /no number from 1 to 65535/, /%2F/],
  ['postgres://me:123/secret@db/shop', /`@` or a `\/` behind the host/, /%2F/],
  ['postgres://me:123?secret/x@db/shop', /other than name=value/, /%3F/],
  ['postgres://me:secret%FF@db', /codes with `%` in its password/, /%25/],
  ['postgres://me:secret%00@db', /U\+0000/, /./],
  ['postgres://db:0/shop', /no number from 1 to 65535/, /./],
  ['postgres://db:65536/shop', /no number from 1 to 65535/, /./],
  ['postgres://::1/shop', /no number from 1 to 65535|host cannot be read/, /./],
  ['postgres://[::1/shop', /host cannot be read/, /brackets/],
  ['postgres://a,b,c/shop?port=1,2', /3 hosts and 2 ports/, /one port/],
  ['postgres://db/shop?sslmode=on', /sslmode=on is not known/, /verify-full/],
  ['postgres://a,b/shop?target_session_attrs=standby', /takes no writes/, /read-write/],
  ['postgres://a,b/shop?target_session_attrs=any-thing', /is not known/, /read-write/],
];

describe("the URL of a database is read as PostgreSQL's own programs read it", () => {
  for (const [url, expected] of read)
    it(url, () => assert.deepEqual(parseDatabaseUrl(url), { ...nothing, ...expected }));

  it('what it does not say stands in the environment, as for psql', () => {
    const env = {
      PGHOST: 'a,b',
      PGPORT: '5433',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/ca.pem',
      PGTARGETSESSIONATTRS: 'read-write',
    };
    assert.deepEqual(parseDatabaseUrl('postgres:///shop', env), {
      ...nothing,
      hosts: [host('a', 5433), host('b', 5433)],
      database: 'shop',
      sslMode: 'verify-full',
      rootCertificate: '/ca.pem',
    });
    assert.deepEqual(parseDatabaseUrl('postgres://c:1/shop?sslmode=disable', env).hosts, [host('c', 1)]);
  });
});

describe('a URL that cannot be read is refused: it says what to write, and never shows the password', () => {
  for (const [url, message, hint] of refused) {
    it(url, () => {
      assert.throws(
        () => parseDatabaseUrl(url),
        (error) => {
          assert.ok(error instanceof CloudCodeError);
          assert.equal(error.code, 'invalid_database_url');
          assert.match(error.message, message);
          assert.match(error.hint ?? '', hint);
          assert.doesNotMatch(`${error.message} ${error.hint ?? ''}`, /secret/);
          return true;
        },
      );
    });
  }
});
