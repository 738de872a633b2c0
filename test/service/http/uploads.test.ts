import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { bundleHash } from '../../../src/contents/bundle-hash.ts';
import { folderHasher } from '../../../src/contents/hash-folder.ts';
import { sha256 } from '../../../src/contents/sha256.ts';
import { type KeptFile, treeText } from '../../../src/engine/core/kept-folder.ts';
import { type Answer, type Api, openApi, problemOf } from './api.ts';

const bundle = { format: 'cjs', code: 'exports.run = async () => 1;', sourceMap: '{}' } as const;
const named = {
  hash: bundleHash(bundle),
  format: bundle.format,
  codeBytes: bundle.code.length,
  sourceMapBytes: bundle.sourceMap.length,
};
const bundleBytes = new Uint8Array(zstdCompressSync(bundle.code + bundle.sourceMap));

function contentOf(files: readonly (readonly [string, string])[]) {
  const hasher = folderHasher();
  const kept = files.map(([path, text]): KeptFile => ({ path, bytes: text.length, isExecutable: false }));
  for (const [index, file] of kept.entries()) {
    hasher.beginFile(file);
    hasher.update(Buffer.from(files[index]?.[1] ?? ''));
  }
  return {
    body: { hash: hasher.digest(), name: 'files', files: kept },
    bytes: new Uint8Array(zstdCompressSync(files.map(([, text]) => text).join(''))),
  };
}

const noTree = { hash: sha256(''), folders: [], links: [] };
const manifest = (change: object = {}): object => ({
  tasks: [],
  packages: { tree: noTree, projectPath: '', contents: [] },
  files: null,
  config: {},
  extension: null,
  ...change,
});
const task = {
  name: 'a',
  file: 'cloudcode/a/index.ts',
  bundle: { hash: named.hash, format: 'cjs', bytes: 30 },
  config: {},
  external: [],
  spawnNeed: null,
};

describe('HTTP: parts of a deployment are what their hashes say, or nothing', { timeout: 120_000 }, () => {
  let api: Api;
  before(async () => (api = await openApi()));
  after(() => api[Symbol.asyncDispose]());

  const begin = async (environment = 'testing'): Promise<string> =>
    ((await api.call('POST', `/api/v1/environments/${environment}/uploads`)).body as { readonly id: string }).id;
  const put = (id: string, number: number | string, bytes: Uint8Array): Promise<Answer> =>
    api.call('POST', `uploads/${id}/pieces/${number}`, bytes);
  const upload = async (...pieces: readonly Uint8Array[]): Promise<string> => {
    const id = await begin();
    for (const [number, piece] of pieces.entries()) assert.equal((await put(id, number, piece)).status, 200);
    return id;
  };
  const missing = async (bundles: readonly string[], contents: readonly string[] = []): Promise<unknown> =>
    (await api.call('POST', 'deployments/missing', { bundles, contents })).body;
  const uploads = async (): Promise<number> =>
    (
      await api.base.store.query<{ count: number }>({
        name: '',
        text: 'select count(*)::integer as count from cloudcode.uploads u where not exists (select from cloudcode.contents c where c.upload_id = u.id)',
      })
    )[0]?.count ?? -1;

  it('a bundle in pieces, one of them sent twice, is stored once; completing it again is answered the same', async () => {
    assert.deepEqual(await missing([named.hash]), { bundles: [named.hash], contents: [] });
    const half = Math.floor(bundleBytes.length / 2);
    const id = await upload(bundleBytes.subarray(0, half), bundleBytes.subarray(half));
    await put(id, 0, bundleBytes.subarray(0, half));
    for (let time = 0; time < 2; time += 1)
      assert.equal((await api.call('POST', `uploads/${id}/bundle`, named)).status, 200);
    assert.deepEqual(await missing([named.hash]), { bundles: [], contents: [] });
    assert.equal(await uploads(), 0);
  });

  it('files are stored; nothing can be added to them any more', async () => {
    const { body, bytes } = contentOf([
      ['a/b.txt', 'hello'],
      ['c.txt', ''],
    ]);
    const id = await upload(bytes);
    assert.equal((await api.call('POST', `uploads/${id}/content`, body)).status, 200);
    assert.deepEqual(await missing([], [body.hash]), { bundles: [], contents: [] });
    assert.equal(problemOf(await put(id, 0, bytes)).code, 'upload_not_found');
    assert.equal(problemOf(await put(id, 1, bytes)).code, 'upload_not_found');
  });

  const other = contentOf([['d.txt', 'the right text']]);
  for (const [what, pieces, body] of [
    ['other bytes than the hash says', [contentOf([['d.txt', 'some other text']]).bytes], other.body],
    ['no stream', [new Uint8Array(100).fill(7)], other.body],
    ['half of a stream', [other.bytes.subarray(0, 9)], other.body],
    ['nothing', [], other.body],
    ['more than the files', [contentOf([['d.txt', 'the right text and more']]).bytes], other.body],
    [
      'other paths than the hash says',
      [other.bytes],
      { ...other.body, files: [{ ...other.body.files[0], path: 'e.txt' }] },
    ],
  ] as const) {
    it(`${what}: refused, and nothing of it is kept`, async () => {
      const id = await upload(...pieces);
      const refused = problemOf(await api.call('POST', `uploads/${id}/content`, body));
      assert.deepEqual([refused.status, refused.code], [422, 'invalid_upload'], refused.detail);
      assert.deepEqual(await missing([], [body.hash]), { bundles: [], contents: [body.hash] });
      assert.equal(await uploads(), 0);
    });
  }

  it('a stream that grows without end when it is decompressed is given up at what it was said to be', async () => {
    const id = await upload(new Uint8Array(zstdCompressSync(Buffer.alloc(400_000_000))));
    const { code } = problemOf(await api.call('POST', `uploads/${id}/bundle`, named));
    assert.equal(code, 'invalid_upload');
  });

  it('an upload of another environment is not found, nor one that nobody began', async () => {
    const id = await begin('staging');
    for (const each of [id, '999999', 'x', '99999999999999999999'])
      for (const answer of [
        await put(each, 0, bundleBytes),
        await api.call('POST', `uploads/${each}/bundle`, { ...named, hash: '1'.repeat(64) }),
        await api.call('POST', `uploads/${each}/content`, other.body),
      ])
        assert.deepEqual([each, problemOf(answer).code], [each, 'upload_not_found']);
    for (const number of ['-1', '5000', '1.5', 'x'])
      assert.equal(problemOf(await put(await begin(), number, bundleBytes)).code, 'invalid_upload');
  });

  it('a path that leads out of its folder is refused before anything is looked at', async () => {
    for (const path of ['../a', '/etc/passwd', 'a/../../b', 'a//b', './a', '', 'a\\b', 'a\0b']) {
      const body = { hash: '1'.repeat(64), name: 'x', files: [{ path, bytes: 1, isExecutable: false }] };
      assert.equal(problemOf(await api.call('POST', `uploads/${await begin()}/content`, body)).code, 'invalid_body');
      const deployed = await api.call('POST', 'deployments', {
        manifest: manifest({ tasks: [{ ...task, file: path }] }),
      });
      assert.equal(problemOf(deployed).code, 'invalid_body', path);
    }
  });

  it('a description that does not hold together is refused, in words', async () => {
    const link = (path: string, target: string): object => {
      const tree = { folders: [], links: [{ path, target }] };
      return { packages: { tree: { ...tree, hash: sha256(treeText(tree)) }, projectPath: '', contents: [] } };
    };
    const content = { hash: '2'.repeat(64), name: 'p@1', bytes: 1, count: 1 };
    const folders = [{ path: 'node_modules/p', hash: content.hash }];
    const tree = { folders, links: [] };
    for (const [change, says] of [
      [{ tasks: [task, task] }, /two tasks are "a"/],
      [link('node_modules/x', '../../out'), /the link node_modules\/x leads outside/],
      [link('x', '/etc'), /the link x leads outside/],
      [
        { packages: { tree: { ...tree, hash: '3'.repeat(64) }, projectPath: '', contents: [content] } },
        /the hash of `packages\.tree`/,
      ],
      [
        { packages: { tree: { ...tree, hash: sha256(treeText(tree)) }, projectPath: '', contents: [] } },
        /lacks 2{64}, which stands at node_modules\/p/,
      ],
    ] as const) {
      const { code, detail } = problemOf(await api.call('POST', 'deployments', { manifest: manifest(change) }));
      assert.equal(code, 'invalid_manifest');
      assert.match(detail, says);
    }
    for (const [change, code] of [
      [{ extension: { models: [{ name: 'x; drop table' }] } }, 'invalid_data_model'],
      [{ extension: 'x' }, 'invalid_data_model'],
      [{ config: { variables: { CLOUDCODE_X: '1' } } }, 'invalid_variable'],
      [{ config: { queues: { '': { onRetry: 'skip' } } } }, 'invalid_queue'],
    ] as const) {
      const answer = await api.call('POST', 'deployments', { manifest: manifest(change) });
      assert.equal(problemOf(answer).code, code, JSON.stringify(change));
    }
  });

  it('packages or files that were not sent are a refusal too, where a runner is there to check the tasks', async () => {
    const id = await upload(bundleBytes);
    assert.equal((await api.call('POST', `uploads/${id}/bundle`, named)).status, 200);
    const files = { hash: '5'.repeat(64), name: 'files', bytes: 1, count: 1 };
    const { body } = await api.server.inject({
      method: 'POST',
      url: '/api/v1/environments/testing/deployments',
      headers: { host: '127.0.0.1:4000', 'content-type': 'application/json' },
      payload: JSON.stringify({ manifest: manifest({ tasks: [task], files }) }),
    });
    assert.match(body, /event: refused\ndata: .*"parts_missing"/);
    assert.deepEqual(api.logged, []);
  });

  it('what was not sent is named, and nothing is deployed', async () => {
    const before = (await api.call('GET', 'deployments')).body;
    const lacking = { ...task, bundle: { ...task.bundle, hash: '4'.repeat(64) } };
    const text = (
      await api.server.inject({
        method: 'POST',
        url: '/api/v1/environments/testing/deployments',
        headers: { host: '127.0.0.1:4000', 'content-type': 'application/json' },
        payload: JSON.stringify({ manifest: manifest({ tasks: [lacking] }) }),
      })
    ).body;
    assert.match(text, /event: refused\ndata: .*"parts_missing".*/);
    assert.match(text, /the code of a/);
    assert.deepEqual((await api.call('GET', 'deployments')).body, before);
  });
});
