import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { bundleEntries } from '../../src/project/bundle-tasks.ts';
import { endBundler, nodeKinds } from '../../src/project/bundle.ts';
import { bundleStore } from '../../src/contents/stored-bundle.ts';
import { onBuildStep } from '../../src/project/build-steps.ts';
import { makeFolder } from './make-folder.ts';

after(endBundler);

it('a build links a few entries at a time, however many there are: its memory does not grow with their number', async (t) => {
  const count = 20;
  const names = Array.from({ length: count }, (_, number) => `cloudcode/task${number}/index.ts`);
  const folder = await makeFolder(t, {
    'cloudcode/shared.ts': 'export const shared = 1;',
    ...Object.fromEntries(
      names.map((name) => [name, "import { shared } from '../shared';\nexport const run = () => shared;"]),
    ),
  });
  // A file that all share is loaded once by each build: once to look at what all of them export, and for each group to bundle it.
  let loads = 0;
  onBuildStep(({ kind, step }) => {
    if (kind === 'begun' && step === 'loading cloudcode/shared.ts') loads += 1;
  });
  const built = await bundleEntries({
    folder,
    files: names,
    bundled: new Set(),
    kinds: nodeKinds(),
    isModule: () => false,
    store: bundleStore(null),
  });
  assert.deepEqual([...built.keys()], names);
  assert.equal(loads, 1 + Math.ceil(count / 4));
});
