/** Environment variables that Node, OpenSSL, the C library or its loader read when a process starts, and never again. */
const readAtStart = new Set([
  'NODE_COMPILE_CACHE',
  'NODE_COMPILE_CACHE_PORTABLE',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_DISABLE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_ICU_DATA',
  'NODE_NO_WARNINGS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_PENDING_DEPRECATION',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_PRESERVE_SYMLINKS_MAIN',
  'NODE_REDIRECT_WARNINGS',
  'NODE_SKIP_PLATFORM_CHECK',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'NODE_V8_COVERAGE',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'UV_THREADPOOL_SIZE',
  'UV_USE_IO_URING',
  'GLIBC_TUNABLES',
  'LANG',
  'LANGUAGE',
]);
const families = ['OPENSSL_', 'LD_', 'DYLD_', 'MALLOC_', 'LC_'];
/** Node reads these at the start where it is told to use them at all. */
const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** Those of an environment's variables that a worker must be started with; the others are given to it with its run. */
export function startVariables(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const names = Object.keys(variables).sort();
  const found = names.filter((name) => readAtStart.has(name) || families.some((family) => name.startsWith(family)));
  const usesProxies = found.some((name) => name === 'NODE_USE_ENV_PROXY' || name === 'NODE_OPTIONS');
  const given = usesProxies ? [...found, ...names.filter((name) => proxies.includes(name.toUpperCase()))] : found;
  return Object.fromEntries(given.map((name) => [name, variables[name] ?? '']));
}
