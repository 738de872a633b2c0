import type * as sdk from './cloudcode.d.ts';

export type * from './cloudcode.d.ts';

// A bundled task gets src/project/sdk-plugin.ts instead of this module, with the same exports; this is for `node script.ts` and tests.
function readGlobal(): object {
  const found: unknown = Reflect.get(globalThis, 'CloudCode');
  if (typeof found === 'object' && found !== null) return found;
  throw new Error('CloudCode can be used inside a task only. From elsewhere, schedule a run with `cloudcode schedule` or the HTTP API.');
}

/** Forwards to the global at the time of use: the worker may set it after this module was loaded. */
export const CloudCode = new Proxy({}, {
  get: (_target, property) => Reflect.get(readGlobal(), property) as unknown,
  has: (_target, property) => Reflect.has(readGlobal(), property),
}) as typeof sdk.CloudCode;

export const defineConfig: typeof sdk.defineConfig = (config) => config;
