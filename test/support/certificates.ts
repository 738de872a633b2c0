import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** An authority of its own, in a folder that is removed at the end. */
export interface Authority extends Disposable {
  /** The file of its certificate. */
  readonly path: string;
  /** @returns a certificate in PEM format for a server of this name (`DNS:db.example`, `IP:127.0.0.1`), and its key */
  sign(name: string): Certificate;
}

export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-ca-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=An authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  );
  return {
    path: file('ca.pem'),
    sign(name) {
      writeFileSync(file('names'), `subjectAltName=${name}`);
      openssl(
        'req',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-subj',
        '/CN=A server',
        '-keyout',
        file('server.key'),
        '-out',
        file('server.csr'),
      );
      openssl(
        'x509',
        '-req',
        '-in',
        file('server.csr'),
        '-CA',
        file('ca.pem'),
        '-CAkey',
        file('ca.key'),
        '-CAcreateserial',
        '-days',
        '1',
        '-extfile',
        file('names'),
        '-out',
        file('server.pem'),
      );
      return { certificate: readFileSync(file('server.pem'), 'utf8'), key: readFileSync(file('server.key'), 'utf8') };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Where a PostgreSQL server with `ssl = on` looks for its certificate. It reads it when it starts, and when its configuration is loaded again. */
export function installCertificate(dataFolder: string, { certificate, key }: Certificate): void {
  const { uid, gid } = statSync(dataFolder);
  for (const [name, content] of [
    ['server.crt', certificate],
    ['server.key', key],
  ] as const) {
    const path = join(dataFolder, name);
    writeFileSync(path, content);
    chmodSync(path, 0o600);
    if (process.getuid?.() === 0) chownSync(path, uid, gid);
  }
}
