/**
 * What tasks use most. Nothing here may draw random numbers in advance, start a thread, or open a file: what it did would be shared by all children. So `tls` is left out, and with it `https` and
 * `fetch`: it reads certificates on a thread as soon as it is loaded, and children would wait for that thread when they end.
 */
const commonModules = [
  'async_hooks',
  'buffer',
  'child_process',
  'crypto',
  'events',
  'fs',
  'fs/promises',
  'http',
  'module',
  'net',
  'os',
  'path',
  'querystring',
  'stream',
  'stream/promises',
  'string_decoder',
  'timers/promises',
  'url',
  'util',
  'vm',
  'zlib',
];

/** Loads what is the same for every run. */
export function loadCommon(): void {
  for (const name of commonModules) process.getBuiltinModule(`node:${name}`);
}
