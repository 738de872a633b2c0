import type { Plugin } from 'esbuild';

// Forwards to the global when it is used, not when it is imported: the worker sets the global before it calls `run`, and a task's
// `config` is read where there is none. Exports the same as src/sdk/index.ts.
const sdkSource = `
const readGlobal = () => {
  const found = globalThis.CloudCode;
  if (found === undefined) throw new Error('CloudCode can be used inside a task only, once its run has begun.');
  return found;
};
export const CloudCode = /* @__PURE__ */ new Proxy({}, {
  get: (_target, property) => Reflect.get(readGlobal(), property),
  has: (_target, property) => Reflect.has(readGlobal(), property),
});
export const defineConfig = (config) => config;
`;

/** Makes `import … from 'cloudcode'` the globals of the worker: a project runs before it is installed, and no code of ours is bundled. */
export const sdkPlugin: Plugin = {
  name: 'cloudcode-sdk',
  setup(build) {
    build.onResolve({ filter: /^cloudcode$/ }, () => ({ path: 'cloudcode', namespace: 'cloudcode', sideEffects: false }));
    build.onLoad({ filter: /^cloudcode$/, namespace: 'cloudcode' }, () => ({ contents: sdkSource, loader: 'js' }));
  },
};
