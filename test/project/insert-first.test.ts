import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insertFirst } from '../../src/project/insert-first.ts';
import type * as BuildProject from '../../src/project/build-project.ts';
import type * as InsertFirst from '../../src/project/insert-first.ts';
import type { BuiltProject } from '../../src/project/build-project.ts';
import { inChild } from '../support/in-child.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle } from './run-bundle.ts';

/** `|` is where the statement is put. */
const placed = [
  '|code()',
  '|',
  '|// only\n',
  '|/* never closed "use strict"',
  '|// one\n/* two */\ncode()',
  '|<!-- old\ncode()',
  "'use strict'|;code()",
  '"use strict"|;code()',
  "// one\r\n/* two */ 'use strict'|;\r\ncode()",
  "/***/'use strict'|\n",
  "'use strict'|",
  "<!-- old\n'use strict'|;",
  "'use strict'/* at its end */|;code()",
  "'use client';'use strict'|;code()",
  "'use client'\n'use strict'|\ncode()",
  "'it\\'s \\\r\n one'|;code()",
  "'use strict'| // next\nindex",
  "'use strict'|\u2028code()",
  "'use strict'|\r++count",
  "'use strict'|\n!ready",
  "'use strict'|\n.5",
  "'use strict'|\ninside()",
  "'use strict'|\n@sealed class A {}",
  "|'use strict'.length",
  "|'use strict'\n.length",
  "|'use strict' + a",
  "|'use strict'\n+ a",
  "|'use strict'\n[0]",
  "|'use strict'\n/* call */(1)",
  "|'use strict'\nin table",
  "|'use strict'\ninstanceof A",
  "|'use strict'\n!= a",
  "|'use strict', code()",
  "|'not closed\n';",
  '|`use strict`;',
  "'use strict'|;'use client'.length",
] as const;

describe('a statement first in a module', () => {
  for (const text of placed) {
    it(JSON.stringify(text), () => {
      const [before = '', after = ''] = text.split('|');
      assert.equal(
        insertFirst(before + after, 'here();'),
        before === ''
          ? `here();${after}`
          : `${before}${after.startsWith(';') ? ';' : ''};here();${after.replace(/^;/, '')}`,
      );
    });
  }

  it('stands for the mark of a byte order, and after a first line with #!, which becomes a comment', () => {
    assert.equal(
      insertFirst("\uFEFF#!/usr/bin/env node\n'use strict';code()", 'here();'),
      "///usr/bin/env node\n'use strict';;here();code()",
    );
    assert.equal(insertFirst('\uFEFFcode()', 'here();'), 'here();code()');
  });

  for (const [name, head] of [
    ['comments', '/**/'],
    ['lines', '//*/\n'],
    ['open comments', '/*'],
    ['white space', ' \n'],
    ['directives', "'use strict'\n"],
    ['escapes', '"\\'],
    ['quotes', "'"],
    ['a string', '"long'],
  ] as const) {
    it(`takes no longer than its text is long: ${name}`, async () => {
      const lengthOf = (exports: typeof InsertFirst, text: string): number =>
        exports.insertFirst(text.repeat(2 ** 20), ';').length;
      assert.ok(Number(await inChild<typeof InsertFirst>('project/insert-first.ts', lengthOf, head)) > 2 ** 20);
    });
  }
});

describe('a file that begins with many comments', () => {
  for (const count of [40, 100_000]) {
    it(`${count} of them: it is built, and knows where it lies`, async (t) => {
      const folder = await makeFolder(t, {
        'cloudcode/a/index.ts': `${'/* one */\n// two\n'.repeat(count)}export const run = () => [import.meta.dirname];`,
        'cloudcode/a/old.cjs': `${'/* one */'.repeat(count)}'use strict'\nmodule.exports = [__dirname, (function () { return this === undefined; })()];`,
        'cloudcode/b/index.ts': "import old from '../a/old.cjs';\nexport const run = () => old;",
      });
      const build = async (exports: typeof BuildProject, at: string): Promise<unknown> => exports.buildProject(at);
      const project = (await inChild<typeof BuildProject>('project/build-project.ts', build, folder)) as BuiltProject;
      const [dirname] = (await runBundle(project, 'a')).result as [string];
      assert.equal(dirname, `${folder}/cloudcode/a`);
      assert.deepEqual((await runBundle(project, 'b')).result, [`${folder}/cloudcode/a`, true]);
    });
  }
});
