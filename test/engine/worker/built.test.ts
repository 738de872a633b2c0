import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../src/package-root.ts';

for (const name of ['worker', 'worker-data', 'fork-server']) {
  test(`dist/${name}.cjs makes no sets of Unicode characters before they are needed: it has no literal with \\p{…}`, () => {
    const text = readFileSync(join(packageRoot, 'dist', `${name}.cjs`), 'utf8');
    assert.deepEqual(text.match(/.{0,40}(?<!\\)\\p\{.{0,20}/g), null, 'src/engine/core/lazy-pattern.ts is for that');
    assert.match(text, /\\\\p\{/, 'it has some that are made when they are first used');
  });
}
