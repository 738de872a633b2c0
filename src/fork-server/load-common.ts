/** What tasks use most. Nothing here may draw random numbers in advance, start a thread, or open a file: what it did would be shared by all children. */
const commonModules = ['async_hooks', 'buffer', 'child_process', 'crypto', 'events', 'fs', 'fs/promises', 'http', 'https', 'module', 'net', 'os', 'path', 'querystring', 'stream', 'stream/promises', 'string_decoder', 'timers/promises', 'tls', 'url', 'util', 'vm', 'zlib'];

/** Loads what is the same for every run. */
export function loadCommon(): void {
  for (const name of commonModules) process.getBuiltinModule(`node:${name}`);
  // The first use of any of its parts loads `fetch` whole.
  Reflect.get(globalThis, 'Headers');
}
