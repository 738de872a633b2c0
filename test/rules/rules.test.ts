import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { findViolation } from './find-violation.ts';
import { rules } from './rules.ts';
import { changeText } from './test-build.ts';

/** The quickest of the rules, which say most of the campaign's witnesses: the kernel, the rows, and what is left over. `npm run test:rules` tries all. */
const quick = ['one-at-front', 'due-time', 'processes-gone'];

describe('the rules that can be switched off', () => {
  it('are still where the table says, each once', () => {
    for (const { edits } of rules)
      for (const edit of edits) changeText(readFileSync(join(packageRoot, edit.file), 'utf8'), edit);
    assert.throws(() => changeText('one', { file: 'x', find: 'two', replace: '' }), /0 times/);
    assert.throws(() => changeText('one one', { file: 'x', find: 'one', replace: '' }), /2 times/);
  });

  it('have names of their own, and are all in docs/chaos.md', () => {
    const documentation = readFileSync(join(packageRoot, 'docs/chaos.md'), 'utf8');
    const documented = [...documentation.matchAll(/^\| `([a-z][a-z-]*)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(
      documented,
      rules.map(({ name }) => name),
    );
  });
});

describe('a campaign of a build without a rule finds the violation', () => {
  for (const rule of rules.filter(({ name }) => quick.includes(name))) {
    it(rule.without, { timeout: 300_000 }, async () => {
      const { isAsExpected, reports } = await findViolation(rule);
      assert.ok(
        isAsExpected,
        `expected ${rule.finds.join(' or ')}: ${JSON.stringify(reports.map(({ seed, counts }) => ({ seed, counts })))}`,
      );
    });
  }
});
