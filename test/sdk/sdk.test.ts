import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TaskConfig as CoreTaskConfig } from '../../src/core/task-config.ts';
import type { ProjectConfig as BuiltConfig } from '../../src/project/config.ts';
import type * as declared from '../../src/sdk/cloudcode.d.ts';
import * as sdk from '../../src/sdk/index.ts';

// Compile-time checks: the types that are kept by hand say what the code means by the same names.
type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : never) : never;
const sameLimits: Same<declared.TaskConfig, Partial<CoreTaskConfig>> = true;
const sameConfig: Same<declared.ProjectConfig, BuiltConfig> = true;
const sameModule: Same<typeof declared, Pick<typeof sdk, keyof typeof declared>> = true;

describe('the cloudcode module outside of a task', () => {
  it('has the types that the code has', () => {
    assert.deepEqual([sameLimits, sameConfig, sameModule], [true, true, true]);
  });

  it('says clearly that CloudCode belongs into a task', () => {
    const message = 'CloudCode can be used inside a task only. From elsewhere, schedule a run with `cloudcode schedule` or the HTTP API.';
    assert.throws(() => sdk.CloudCode.scheduleTask({ task: 'a' }), { message });
    assert.throws(() => sdk.CloudCode.run, { message });
  });

  it('forwards to the global once there is one', (t) => {
    const run = { id: '7' };
    Reflect.set(globalThis, 'CloudCode', { run });
    t.after(() => Reflect.deleteProperty(globalThis, 'CloudCode'));
    assert.equal(sdk.CloudCode.run, run);
  });

  it('gives a configuration back as it is', () => {
    const config = { concurrency: 2 };
    assert.equal(sdk.defineConfig(config), config);
  });
});
