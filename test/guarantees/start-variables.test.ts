import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dataInProject } from '../../src/data/source/project-extension.ts';
import { deployable } from '../../src/main/deployable.ts';
import { deployProject } from '../../src/engine/operations/deploy-project.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { makeAuthority } from '../support/certificates.ts';
import { type Runtime, startRuntime } from '../support/runtime.ts';

const tasks = {
  asks: `export async function run({ url }) {
      const response = await fetch(url).catch((error) => ({ text: () => error.cause.code }));
      return response.text();
    }`,
  shows: `export async function run() {
      return [Error.stackTraceLimit, new Intl.DateTimeFormat().resolvedOptions().locale, process.env.GREETING];
    }`,
};

const config = (variables: Readonly<Record<string, string>>): string =>
  `export default { environments: { testing: { variables: ${JSON.stringify(variables)} } } };`;

async function deploy({ store, folder }: Runtime, variables: Readonly<Record<string, string>>): Promise<void> {
  writeFileSync(join(folder, 'cloudcode.config.js'), config(variables));
  await deployProject(store, 'testing', deployable(await buildProject(folder, { extension: dataInProject })));
}

describe('variables that are read when a process starts', () => {
  it('a task reaches a server whose certificate is of the authority in NODE_EXTRA_CA_CERTS, and of no other', async () => {
    using authority = makeAuthority();
    const { certificate: cert, key } = authority.sign('IP:127.0.0.1');
    const server = createServer({ cert, key }, (_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    try {
      await using runtime = await startRuntime({
        ...tasks,
        'cloudcode.config.js': config({ NODE_EXTRA_CA_CERTS: authority.path }),
      });
      const ask = async (): Promise<unknown> => (await runtime.run('asks', { parameters: { url } })).result;
      assert.deepEqual([await ask(), await ask()], ['hello', 'hello']);
      // Workers that wait with the variable are not for runs without it, and the other way round.
      await deploy(runtime, {});
      assert.deepEqual(
        [await ask(), await ask()],
        ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      );
      await deploy(runtime, { NODE_EXTRA_CA_CERTS: authority.path });
      assert.deepEqual([await ask(), await ask()], ['hello', 'hello']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('options of Node and the language have effect, beside those that are read later', async () => {
    const variables = { NODE_OPTIONS: '--stack-trace-limit=3', LC_ALL: 'de_DE.UTF-8', GREETING: 'Hallo' };
    await using runtime = await startRuntime({ ...tasks, 'cloudcode.config.js': config(variables) });
    assert.deepEqual((await runtime.run('shows')).result, [3, 'de-DE', 'Hallo']);
  });

  it('those with which Node cannot start are refused before anything is deployed', async () => {
    await using runtime = await startRuntime(tasks);
    await assert.rejects(deploy(runtime, { NODE_OPTIONS: '--no-such-option' }), {
      code: 'invalid_config',
      message:
        /cloudcode\.config\.js: environments\.testing\.variables: Node cannot start with NODE_OPTIONS: .*--no-such-option is not allowed/,
    });
    assert.equal((await runtime.run('shows')).state, 'succeeded');
  });
});
