import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { errorCatalogue } from '../../src/engine/core/errors.ts';
import { packageRoot } from '../../src/package-root.ts';

const documentation = readFileSync(join(packageRoot, 'docs/errors.md'), 'utf8');
const documented = [...documentation.matchAll(/^### `(\w+)`$/gm)].map((heading) => heading[1] ?? '');

describe('docs/errors.md and the catalogue say the same', () => {
  it('every code of the catalogue is documented, once', () => {
    assert.deepEqual(documented.toSorted(), Object.keys(errorCatalogue).toSorted());
  });

  for (const [code, { title, status, exitStatus }] of Object.entries(errorCatalogue)) {
    it(`${code}: the title, the HTTP status, the exit status, what happened and what to do`, () => {
      const entry = documentation.split(`\n### \`${code}\`\n`)[1]?.split(/\n##+ /)[0]?.trim().split('\n\n') ?? [];
      assert.equal(entry[0], `${title}. HTTP ${status}, exit status ${exitStatus}.`);
      assert.ok(entry.length >= 3, 'a paragraph on what happened and one on what to do');
    });
  }
});
