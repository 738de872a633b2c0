import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import ts from 'typescript';
import { packageRoot } from '../../../src/package-root.ts';

const textOf = (name: string): string => readFileSync(join(packageRoot, 'dist', `${name}.cjs`), 'utf8');

for (const name of ['worker', 'worker-data', 'fork-server']) {
  test(`dist/${name}.cjs makes no sets of Unicode characters before they are needed: it has no literal with \\p{…}`, () => {
    const text = textOf(name);
    assert.deepEqual(text.match(/.{0,40}(?<!\\)\\p\{.{0,20}/g), null, 'src/engine/core/lazy-pattern.ts is for that');
    assert.match(text, /\\\\p\{/, 'it has some that are made when they are first used');
  });
}

describe('dist/worker.cjs, which every attempt loads', () => {
  it('makes no pattern before it is needed: none stands outside of a function', () => {
    const file = ts.createSourceFile('worker.cjs', textOf('worker'), ts.ScriptTarget.Latest);
    const found = { outside: [] as string[], inside: 0 };
    const look = (node: ts.Node, isInside: boolean): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        if (isInside) found.inside += 1;
        else found.outside.push(node.text);
      }
      ts.forEachChild(node, (child) => look(child, isInside || ts.isFunctionLike(node)));
    };
    look(file, false);
    assert.deepEqual(found.outside, []);
    assert.ok(found.inside > 10, 'it has some');
  });

  it('is small: what it grows by is read in every attempt, so that a larger one needs a reason', () => {
    assert.ok(textOf('worker').length < 54_000, `${textOf('worker').length} bytes`);
  });
});
