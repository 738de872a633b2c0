import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { countNames } from '../../src/chaos/judge/verdict.ts';
import { countLabels } from '../../src/cli/print-campaign.ts';
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

  it('have names of their own, and are all in docs/chaos.md, with what a campaign finds', () => {
    const documentation = readFileSync(join(packageRoot, 'docs/chaos.md'), 'utf8');
    const rows = [...documentation.matchAll(/^\| `([a-z][a-z-]*)` \|[^|]*\|[^|]*\| ([^|]*) \|$/gm)];
    const documented = rows.map(([, name, found = '']) => [
      name,
      found.startsWith('nothing')
        ? []
        : countNames.filter((count) => found.split(/[.,] /).includes(countLabels[count])).toSorted(),
    ]);
    assert.deepEqual(
      documented,
      rules.map(({ name, finds }) => [name, finds.toSorted()]),
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
