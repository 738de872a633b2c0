import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { buildProject } from '../../src/project/build-project.ts';
import { endBundler } from '../../src/project/bundle.ts';
import { makeFolder } from './make-folder.ts';

after(() => endBundler());

it('finds what a task needs that only a spawned worker has, wherever in its bundle that stands', async (t) => {
  const folder = await makeFolder(t, {
    'node_modules/with-gyp/package.json': '{ "name": "with-gyp" }',
    'node_modules/with-gyp/index.js': 'module.exports = 1;',
    'node_modules/with-gyp/build/Release/x.node': '',
    'node_modules/@s/user/package.json': '{ "name": "@s/user", "dependencies": { "with-gyp": "1" } }',
    'node_modules/@s/user/index.js': 'module.exports = require("with-gyp");',
    'node_modules/threads/package.json': '{ "name": "threads" }',
    'node_modules/threads/index.js': 'exports.later = () => require("worker_threads");',
    'addon.node': '',
    'cloudcode/addon/index.ts': "import addon from '../../addon.node';\nexport const run = () => addon;",
    'cloudcode/awaits/index.ts':
      "import { Session } from 'node:inspector/promises';\nconst session = await new Session();\nexport const run = () => session;",
    'cloudcode/dynamic/index.ts': "export const run = () => import('node:trace_events');",
    'cloudcode/native/index.ts': "import user from '@s/user';\nexport const run = () => user;",
    'cloudcode/nothing/index.ts':
      "import { readFile } from 'node:fs/promises';\nimport type { Session } from 'node:inspector';\nexport const run = (session: Session) => [readFile, session];",
    'cloudcode/threads/index.ts': "import { later } from 'threads';\nexport const run = () => later();",
  });
  const { tasks } = await buildProject(folder);
  assert.deepEqual(Object.fromEntries(tasks.map(({ name, spawnNeed }) => [name, spawnNeed])), {
    addon: 'addon.node',
    awaits: 'node:inspector/promises',
    dynamic: 'node:trace_events',
    native: 'with-gyp',
    nothing: null,
    threads: 'node:worker_threads',
  });
});
