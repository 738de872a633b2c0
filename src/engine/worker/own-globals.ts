/**
 * What the worker's own code means by these names: the globals as they were before a task's code could put others in their place, as libraries do that fake the time or bring a Promise or a JSON of
 * their own. build.mjs puts them into the bundles that are loaded before the task; load-extension.ts hands them to what is loaded later.
 */
const { Buffer, Date, Map, Promise, RegExp, Set, clearTimeout, process, setImmediate, setTimeout, structuredClone } =
  globalThis;
const { parse, stringify } = globalThis.JSON;
const { bigint } = process.hrtime;

const JSON = { parse, stringify };
// Node's own is loaded when it is first used, which takes 1.4 ms.
const performance = { now: (): number => Number(bigint()) / 1e6 };

export {
  Buffer,
  Date,
  JSON,
  Map,
  Promise,
  RegExp,
  Set,
  clearTimeout,
  performance,
  process,
  setImmediate,
  setTimeout,
  structuredClone,
};
