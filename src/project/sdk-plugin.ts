import type { Plugin } from 'esbuild';

// Forwards to the globals when they are used, not when they are imported: the worker sets them before it calls `run`, and a task's
// `config` is read where there are none. Exports the same as src/sdk/index.ts.
const sdkSource = `
const forward = (name, target) => {
  const readGlobal = () => {
    const found = globalThis[name];
    if (found === undefined) throw new Error(name + ' can be used inside a task only, once its run has begun.');
    return found;
  };
  const forwarding = new Proxy(target, {
    get: (_target, property) => Reflect.get(readGlobal(), property),
    has: (_target, property) => Reflect.has(readGlobal(), property),
    construct: (_target, given, made) => Reflect.construct(readGlobal(), given, made === forwarding ? readGlobal() : made),
  });
  return forwarding;
};
export const CloudCode = /* @__PURE__ */ forward('CloudCode', {});
export const DB = /* @__PURE__ */ forward('DB', {});
export const Day = /* @__PURE__ */ forward('Day', function () {});
export const Attachment = /* @__PURE__ */ forward('Attachment', function () {});
export const defineConfig = (config) => config;
export const defineDataModel = (models) => models;
`;

/** Makes `import … from 'cloudcode'` the globals of the worker: a project runs before it is installed, and no code of ours is bundled. */
export const sdkPlugin: Plugin = {
  name: 'cloudcode-sdk',
  setup(build) {
    build.onResolve({ filter: /^cloudcode$/ }, () => ({
      path: 'cloudcode',
      namespace: 'cloudcode',
      sideEffects: false,
    }));
    build.onLoad({ filter: /^cloudcode$/, namespace: 'cloudcode' }, () => ({ contents: sdkSource, loader: 'js' }));
  },
};
