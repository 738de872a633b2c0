import { readFileSync } from 'node:fs';
import { env } from 'node:process';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import type { ClientConfig } from 'pg';
import { type DatabaseAddress, type DatabaseHost, parseDatabaseUrl, type SslMode } from '../core/database-url.ts';
import { CloudCodeError } from '../core/errors.ts';

/** One way to a database: a host, encrypted or not. */
export interface Server {
  /** `db1:5432` */
  readonly name: string;
  /** For the driver. */
  config(): ClientConfig;
}

/** The ways to a database. One that leads to no primary is left for the next; after the last comes the first. */
export interface Servers {
  readonly all: readonly Server[];
  current(): Server;
  /** Tells why it could not be used. */
  leave(server: Server, error: unknown): void;
  /** What is wrong with each that was left, in words; null with one way only. */
  troubles(): string | null;
}

/** @throws CloudCodeError `invalid_database_url`, also for a file of a certificate that cannot be used */
export function openServers(url: string): Servers {
  const address = parseDatabaseUrl(url, env);
  const files = certificateFiles(address);
  const all = address.hosts.flatMap((host) =>
    encryptions(address, host).map((mode) => serverOf(address, host, () => tlsOptions(mode, files))),
  );
  all.forEach((server) => server.config());
  const errors = new Map<Server, unknown>();
  let at = 0;
  const current = (): Server => all[at] ?? serverOf(address, { host: null, port: null }, () => false);
  return {
    all,
    current,
    leave(server, error) {
      errors.set(server, error);
      if (server === all[at]) at = (at + 1) % all.length;
    },
    troubles: () =>
      all.length === 1 ? null : [...errors].map(([{ name }, error]) => `${name}: ${reasonOf(error)}`).join('; '),
  };
}

function serverOf(
  address: DatabaseAddress,
  { host, port }: DatabaseHost,
  ssl: () => ConnectionOptions | false,
): Server {
  const said = {
    host,
    port,
    user: address.user,
    password: address.password,
    database: address.database,
    options: address.options,
  };
  const given: ClientConfig = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null));
  return {
    name: `${host ?? 'localhost'}:${port ?? 5432}`,
    config: () => ({ ...given, ssl: ssl(), application_name: address.applicationName ?? 'cloudcode' }),
  };
}

/** In the order in which they are tried. A socket of this machine is never encrypted. */
function encryptions({ sslMode }: DatabaseAddress, { host }: DatabaseHost): readonly SslMode[] {
  if (host?.startsWith('/') === true) return ['disable'];
  if (sslMode === 'prefer') return ['no-verify', 'disable'];
  return sslMode === 'allow' ? ['disable', 'no-verify'] : [sslMode];
}

interface CertificateFiles {
  read(): { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** They may be renewed while the server runs: what could be read last is used while one of them is not there. */
function certificateFiles({ rootCertificate, certificate, key }: DatabaseAddress): CertificateFiles {
  const paths = Object.entries({ ca: rootCertificate === 'system' ? null : rootCertificate, cert: certificate, key });
  const last = new Map<string, string>();
  const read = (path: string): string => {
    try {
      last.set(path, readFileSync(path, 'utf8'));
    } catch (error) {
      if (!last.has(path)) throw unusable(path, error);
    }
    return last.get(path) ?? '';
  };
  for (const [kind, path] of paths) if (path !== null) checkPem(path, { [kind]: read(path) });
  return {
    read: () => Object.fromEntries(paths.flatMap(([kind, path]) => (path === null ? [] : [[kind, read(path)]]))),
  };
}

function checkPem(
  path: string,
  content: { readonly ca?: string; readonly cert?: string; readonly key?: string },
): void {
  try {
    createSecureContext(content);
  } catch (error) {
    throw unusable(path, error);
  }
  if (content.ca !== undefined && !content.ca.includes('-----BEGIN '))
    throw unusable(path, new Error('no certificate in it'));
}

function unusable(path: string, error: unknown): CloudCodeError {
  return new CloudCodeError(
    'invalid_database_url',
    `The file ${path}, which the URL of the database names, cannot be used: ${reasonOf(error)}.`,
    {
      hint: 'sslrootcert, sslcert and sslkey name files in PEM format that CloudCode may read: the authority that signed the certificate of the server, and a certificate of the user with its key.',
      cause: error,
    },
  );
}

/** What each mode checks is what libpq checks: an authority that is named is always asked; the name of the host only by `verify-full`. */
function tlsOptions(mode: SslMode, files: CertificateFiles): ConnectionOptions | false {
  if (mode === 'disable') return false;
  const given = files.read();
  if (mode === 'no-verify' || (mode === 'require' && given.ca === undefined))
    return { ...given, rejectUnauthorized: false };
  // Of an authority that signs for everybody, the name is all that tells one server from another.
  const asksName = mode === 'verify-full' || given.ca === undefined;
  return asksName ? given : { ...given, checkServerIdentity: () => undefined };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || (error as { code?: string }).code || error.name;
}
