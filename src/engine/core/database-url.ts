import { CloudCodeError } from './errors.ts';

/** What a database's URL says, read as PostgreSQL's own programs read it (libpq). Null: not said. */
export interface DatabaseAddress {
  /** Tried in this order. */
  readonly hosts: readonly DatabaseHost[];
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
  readonly sslMode: SslMode;
  /** Of files, as `sslrootcert`, `sslcert` and `sslkey` name them. */
  readonly rootCertificate: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly applicationName: string | null;
  /** Settings for the server: `-c name=value`. */
  readonly options: string | null;
}

export interface DatabaseHost {
  /** A name, an address, or the folder of a socket, which begins with `/`. Null: the driver's. */
  readonly host: string | null;
  readonly port: number | null;
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;
/** As libpq has them; `no-verify` is the driver's own name for `require` without an authority. */
export type SslMode = (typeof sslModes)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/** Who writes needs the primary, so that these all mean the same. */
const attributesOfPrimary = ['any', 'read-write', 'primary'];
const attributesOfOthers = ['read-only', 'standby', 'prefer-standby'];

/**
 * Reads `postgres://user:password@host1:5432,host2/database?name=value`. A password may hold every character but `/`, also `#`, `?` and `@`, as it stands; `%40` is `@` in any part. Names in the query
 * that CloudCode has no use for are left out.
 * @param env what stands in for what the URL does not say: PGHOST, PGPORT, PGSSLMODE, PGSSLROOTCERT, PGSSLCERT, PGSSLKEY, PGTARGETSESSIONATTRS
 * @throws CloudCodeError `invalid_database_url`, which never shows the password
 */
export function parseDatabaseUrl(url: string, env: Environment = {}): DatabaseAddress {
  const parts = splitDatabaseUrl(url);
  const query = readQuery(parts.query);
  const [user, ...password] = parts.credentials?.split(':') ?? [];
  const said = (name: string, variable: string): string | null => query.get(name) ?? (env[variable] || null);
  refuseStandbys(said('target_session_attrs', 'PGTARGETSESSIONATTRS'));
  return {
    hosts: hostsOf(parts, query, env),
    user: query.get('user') ?? (decode(user ?? '', 'user') || null),
    password: query.get('password') ?? (decode(password.join(':'), 'password') || null),
    database: query.get('dbname') ?? (decode(parts.database, 'name of the database') || null),
    sslMode: sslModeOf(query, env),
    rootCertificate: said('sslrootcert', 'PGSSLROOTCERT'),
    certificate: said('sslcert', 'PGSSLCERT'),
    key: said('sslkey', 'PGSSLKEY'),
    applicationName: query.get('application_name') ?? null,
    options: query.get('options') ?? null,
  };
}

/** The parts of a database's URL, as they stand there. */
export interface DatabaseUrlParts {
  readonly scheme: string;
  readonly credentials: string | null;
  readonly hosts: string;
  readonly database: string;
  readonly query: string;
}

/** @throws CloudCodeError `invalid_database_url` */
export function splitDatabaseUrl(url: string): DatabaseUrlParts {
  const { scheme, rest } = /^(?<scheme>postgres(?:ql)?:\/\/)(?<rest>.*)$/is.exec(url)?.groups ?? {};
  if (scheme === undefined || rest === undefined) throw invalid('It does not begin with postgres:// or postgresql://.');
  // The credentials end before the first slash, wherever a question mark stands.
  const at = rest.slice(0, rest.search(/\/|$/)).lastIndexOf('@');
  const {
    hosts = '',
    database = '',
    query = '',
  } = /^(?<hosts>[^/?]*)(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/s.exec(rest.slice(at + 1))?.groups ?? {};
  if (/[@/]/.test(database))
    throw invalid(
      'It holds an `@` or a `/` behind the host.',
      'Write `/` in the user or password as %2F, and `@` and `/` in the name of the database as %40 and %2F.',
    );
  return { scheme, credentials: at === -1 ? null : rest.slice(0, at), hosts, database, query };
}

function readQuery(query: string): ReadonlyMap<string, string> {
  const items = query.split('&').filter((item) => item !== '');
  return new Map(
    items.map((item) => {
      const equals = item.indexOf('=');
      // The item may be the rest of a password.
      if (equals === -1)
        throw invalid(
          'Behind its `?` stands something other than name=value.',
          'Write `/` and `?` in the user or password as %2F and %3F.',
        );
      const name = decode(item.slice(0, equals), 'query');
      // A list of hosts is taken apart first: a folder may hold a comma.
      return [
        name,
        name === 'host' ? item.slice(equals + 1) : decode(item.slice(equals + 1), `value of ${name}`),
      ] as const;
    }),
  );
}

function hostsOf(
  parts: DatabaseUrlParts,
  query: ReadonlyMap<string, string>,
  env: Environment,
): readonly DatabaseHost[] {
  const hostsInQuery = query.get('host') ?? null;
  const inPlace = parts.hosts === '' ? [] : parts.hosts.split(',').map(readHost);
  const named =
    hostsInQuery === null
      ? inPlace
      : hostsInQuery.split(',').map((host) => ({ host: decode(host, 'host') || null, port: null }));
  const hosts =
    named.length > 0 ? named : (env['PGHOST'] ?? '').split(',').map((host) => ({ host: host || null, port: null }));
  const portsInQuery = query.get('port') ?? null;
  const ports = (portsInQuery ?? env['PGPORT'] ?? '').split(',').map(readPort);
  if (ports.length !== 1 && ports.length !== hosts.length)
    throw invalid(`It names ${hosts.length} hosts and ${ports.length} ports.`, 'Name one port, or one for each host.');
  const portOf = (index: number): number | null => (ports.length === 1 ? ports[0] : ports[index]) ?? null;
  return hosts.map(({ host, port }, index) => ({
    host,
    port: portsInQuery === null ? (port ?? portOf(index)) : portOf(index),
  }));
}

function readHost(text: string): DatabaseHost {
  const { address, name, port } =
    /^(?:\[(?<address>[^\]]*)\]|(?<name>[^:[\]]*))(?::(?<port>.*))?$/s.exec(text)?.groups ?? {};
  const host = address ?? name;
  if (host === undefined) throw invalid('A host cannot be read.', 'An IPv6 address stands in brackets: [::1]:5432.');
  return { host: decode(host, 'host') || null, port: readPort(port ?? '') };
}

function readPort(text: string): number | null {
  if (text === '') return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  // What stands there may be a password.
  if (port < 1 || port > 65_535)
    throw invalid(
      'Its port is no number from 1 to 65535.',
      'If that is a part of the password: `/` is written %2F there.',
    );
  return port;
}

function sslModeOf(query: ReadonlyMap<string, string>, env: Environment): SslMode {
  const mode = query.get('sslmode') ?? sslModeOfDriver(query.get('ssl')) ?? (env['PGSSLMODE'] || undefined);
  if (mode === undefined) return query.has('sslrootcert') ? 'verify-full' : 'disable';
  const known = sslModes.find((each) => each === mode);
  if (known === undefined)
    throw invalid(`sslmode=${mode} is not known.`, `It is one of ${sslModes.slice(0, -1).join(', ')}.`);
  return known;
}

/** The driver's own way to say it. */
function sslModeOfDriver(ssl: string | undefined): string | undefined {
  if (ssl === 'true' || ssl === '1') return 'verify-full';
  return ssl === 'false' || ssl === '0' ? 'disable' : ssl;
}

function refuseStandbys(attributes: string | null): void {
  if (attributes === null || attributesOfPrimary.includes(attributes)) return;
  const why = attributesOfOthers.includes(attributes)
    ? 'asks for a server that takes no writes, and CloudCode writes'
    : 'is not known';
  throw invalid(
    `target_session_attrs=${attributes} ${why}.`,
    'Leave it out, or write target_session_attrs=read-write: of several hosts, the primary is used.',
  );
}

/** A `%` that begins no code stands for itself. */
function decode(text: string, part: string): string {
  const decoded = text.replace(/(?:%[0-9a-f]{2})+/gi, (codes) => {
    try {
      return decodeURIComponent(codes);
    } catch {
      throw invalid(
        `The codes with \`%\` in its ${part} are no UTF-8.`,
        'A `%` that stands for itself is written %25.',
      );
    }
  });
  if (decoded.includes('\0')) throw invalid(`Its ${part} holds the character U+0000.`);
  return decoded;
}

function invalid(why: string, hint = 'Write it like postgres://user:password@host/database'): CloudCodeError {
  return new CloudCodeError('invalid_database_url', `The URL of the database cannot be read. ${why}`, { hint });
}
