import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';

const documentation = readFileSync(join(packageRoot, 'docs/architecture.md'), 'utf8');
const sourceFolder = join(packageRoot, 'src');

/** Of these the picture shows what is inside. */
const opened: readonly string[] = ['engine', 'data', 'service'];

describe('docs/architecture.md tells the truth', () => {
  it('the picture of the house shows its rooms, and no others', () => {
    const picture = /```\nsrc\/\n(.*?)\n```/s.exec(documentation)?.[1] ?? '';
    let above = '';
    const drawn = [...picture.matchAll(/^( {2}| {4})([\w-]+)\/ /gm)].map(([, indent = '', name = '']) => {
      if (indent.length === 2) above = name;
      return indent.length === 2 ? name : `${above}/${name}`;
    });
    const found = foldersOf('').flatMap((name) => [name, ...(opened.includes(name) ? foldersOf(name) : [])]);
    // Drawn with main.ts.
    assert.deepEqual(drawn.toSorted(), found.filter((name) => name !== 'main').toSorted());
  });

  it('it names what build.mjs bundles', () => {
    const entries = [...readFileSync(join(packageRoot, 'build.mjs'), 'utf8').matchAll(/'src\/([\w/-]+\.ts)'/g)].map(
      ([, file]) => file ?? '',
    );
    assert.ok(entries.length > 0);
    assert.deepEqual(
      entries.filter((file) => file !== injected && !documentation.includes(`\`${file}\``)),
      [],
    );
  });

  it('the files and folders that it names are there', () => {
    const named = [...documentation.matchAll(/`([\w.-]+\/[\w./-]*|[\w-]+\.ts)`/g)]
      .map(([, path]) => path ?? '')
      .filter((path) => !path.startsWith('.'));
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((path) => !existsSync(join(sourceFolder, path)) && !existsSync(join(packageRoot, path))),
      [],
    );
  });
});

/** No entry: esbuild puts it into others. */
const injected = 'engine/worker/own-globals.ts';

function foldersOf(under: string): readonly string[] {
  const entries = readdirSync(join(sourceFolder, under), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => (under === '' ? name : `${under}/${name}`));
}
