import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Run } from '../../src/engine/core/run.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';

const schema = `<data-model>
  <model name="asset" label="Asset">
    <field name="make" label="Make" type="text:name"/>
    <field name="bought" label="Bought" type="datetime"/>
    <field name="uses" label="Uses" type="multiple-choice"><option key="a">A</option><option key="b">B</option></field>
    <field name="manual" label="Manual" type="attachment"/>
  </model>
</data-model>`;

/** What libraries do to what all code shares, each as the first thing of a task. */
const changes: Readonly<Record<string, string>> = {
  'Array.prototype.toJSON': `Array.prototype.toJSON = function () { return 'garbled'; };`,
  'String.prototype.toJSON': `String.prototype.toJSON = () => 'garbled'; Number.prototype.toJSON = () => 'garbled'; Boolean.prototype.toJSON = () => 'garbled';`,
  'Object.prototype.toJSON': `Object.prototype.toJSON = () => 'garbled';`,
  'JSON.stringify and JSON.parse': `JSON.stringify = () => 'garbled'; JSON.parse = () => 'garbled';`,
  'JSON itself': `globalThis.JSON = { stringify: () => 'garbled', parse: () => 'garbled' };`,
  'Promise.prototype.then': `Promise.prototype.then = () => { throw new Error('changed'); }; Promise.prototype.catch = Promise.prototype.finally = Promise.prototype.then;`,
  'Promise itself': `globalThis.Promise = class { constructor() { throw new Error('changed'); } };`,
  'Buffer itself': `globalThis.Buffer = class { static from() { throw new Error('changed'); } static allocUnsafe() { throw new Error('changed'); } static byteLength() { return 1; } };`,
  'Map and Set': `globalThis.Map = globalThis.Set = class { constructor() { throw new Error('changed'); } };`,
  'Date itself': `const Real = Date; globalThis.Date = class extends Real { constructor(...given) { super(...(given.length === 0 ? [0] : given)); } static now() { return 0; } };`,
  'Date.now': `Date.now = () => 0;`,
  'timers that stand still': `globalThis.setTimeout = globalThis.setImmediate = globalThis.setInterval = () => ({ unref() {} });`,
  'microtasks that stand still': `process.nextTick = () => {}; globalThis.queueMicrotask = () => {};`,
  'clocks that stand still': `performance.now = () => 0; process.hrtime.bigint = () => 0n;`,
  'node:fs': `const fs = process.getBuiltinModule('node:fs'); for (const name of ['read', 'readSync', 'write', 'writeSync', 'readFileSync', 'existsSync', 'openSync']) fs[name] = () => { throw new Error('changed'); };`,
  require: `process.getBuiltinModule('node:module')._load = () => { throw new Error('changed'); };`,
  'process.send and process.emit': `process.send = () => true; process.emit = () => false; process.removeAllListeners();`,
  'process.reallyExit': `process.reallyExit = () => { throw new Error('changed'); };`,
  'process.argv and process.resourceUsage': `process.argv.length = 0; process.resourceUsage = () => ({});`,
  'process itself': `globalThis.process = { env: {}, browser: true };`,
  console: `globalThis.console.log = globalThis.console.log.bind(null); console.error = () => { throw new Error('changed'); };`,
  'names of options on every object': `for (const name of ['task', 'parameters', 'at', 'after', 'queue', 'key', 'data', 'filename', 'contentType']) Object.defineProperty(Object.prototype, name, { configurable: true, get: () => 7, set() {} });`,
  'names of messages on every object': `for (const name of ['type', 'json', 'call', 'outcome', 'key', 'resolve', 'reject', 'request', 'text']) Object.defineProperty(Object.prototype, name, { configurable: true, get: () => 7, set() {} });`,
  'an enumerable method on every object': `Object.prototype.extend = function () { return this; }; Array.prototype.last = function () { return this.at(-1); };`,
};

const task = (change: string): string => `
  ${change}
  export async function run({ list, at }) {
    console.log('line', list.length);
    const { id } = await CloudCode.scheduleTask({ task: 'echo', parameters: { list, at, nested: { list } } });
    const asset = DB.asset.create({ make: 'Nokia', uses: ['a', 'b'] });
    asset.bought = asset.manual = null;
    await asset.save();
    asset.manual = new Attachment({ data: 'read me' });
    const batch = new DB.Batch();
    batch.save(asset);
    batch.scheduleTask({ task: 'echo', parameters: { list } });
    const { scheduled } = await batch.execute();
    const found = await DB.asset.where('id = ? and make in ?', asset.id, ['Nokia', 'Fairphone']).first();
    CloudCode.scheduleTask({ task: 'echo', parameters: { list: [] } });
    return { ids: [id, scheduled[0].id], make: found.make, uses: [...found.uses], text: await found.manual.text(), list };
  }`;

describe('what a task changes of what all code shares', () => {
  let runtime: Runtime;
  const nameOf = (index: number): string => `task_${index}`;
  before(async () => {
    const tasks = Object.fromEntries(
      Object.values(changes).map((change, index) => [`cloudcode/${nameOf(index)}/index.js`, task(change)]),
    );
    runtime = await startRuntime({
      ...tasks,
      'cloudcode.config.js': 'export default { defaults: { maxAttempts: 1 } };',
      'schema.xml': schema,
      echo: 'export async function run(params) { return params; }',
    });
  });
  after(() => runtime[Symbol.asyncDispose]());

  for (const [index, name] of Object.keys(changes).entries()) {
    it(`does not reach the worker: ${name}`, async () => {
      const given = { list: [1, 'two', [3]], at: '2026-03-01' };
      const run = await runtime.run(nameOf(index), { parameters: given });
      assert.equal(run.state, 'succeeded', JSON.stringify(run.error));
      const { ids, ...result } = run.result as { readonly ids: readonly string[] };
      assert.deepEqual(result, { make: 'Nokia', uses: ['a', 'b'], text: 'read me', list: given.list });
      const [alone, ofBatch] = await Promise.all(ids.map((id) => runtime.ended(id)));
      assert.deepEqual(alone?.result, { ...given, nested: { list: given.list } });
      assert.deepEqual(ofBatch?.result, { list: given.list });
      assert.deepEqual(await linesOf(run), [['line 3', true]]);
    });
  }

  /** The lines of a run, and whether each has the time at which it was written. */
  async function linesOf(run: Run): Promise<readonly (readonly [string, boolean])[]> {
    const rows = await runtime.store.query<{ message: string; inTime: boolean }>({
      name: '',
      text: `select message, at > '2026-01-01' as "inTime" from cloudcode.log_lines where run_id = '${run.id}' order by seq`,
    });
    return rows.map(({ message, inTime }) => [message, inTime]);
  }
});
