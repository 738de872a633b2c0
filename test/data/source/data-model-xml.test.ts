import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { readDataModelFile } from '../../../src/data/source/read-data-model-file.ts';
import { readSchemaXml } from '../../../src/data/source/read-schema-xml.ts';
import { makeFolder } from '../../project/make-folder.ts';

const guide = `<data-model>
  <model name="asset" label="Asset">
    <field name="make" label="Make" type="text:name"/>
    <field name="model" label="Model" type="text"/>
    <field name="condition" label="Condition" type="single-choice">
      <option key="good">Good</option>
      <option key="bad">Bad</option>
    </field>
    <belongs-to model="building"/>
    <index on="building"/>
    <index on="make,model" name="by_model"/>
    <display>{make} {model}</display>
    <webhook type="update" name="asset_saved" receiver="cloudcode" action="on_asset"/>
  </model>
  <model name="building" label="Building">
    <field name="name" label="Name" type="text:name"/>
    <has-many model="asset" name="assets"/>
    <display>{name}</display>
  </model>
</data-model>
`;

const tasks = ['on_asset'];

function one(inside: string): string {
  return `<data-model>\n<model name="asset">\n${inside}\n</model>\n</data-model>\n`;
}

interface BadFile {
  readonly name: string;
  readonly xml: string;
  readonly message: string;
  readonly hint?: string;
}

const table: readonly BadFile[] = [
  {
    name: 'an unknown type',
    xml: one('<field name="colour" type="txt"/>'),
    message: 'schema.xml:3: <field name="colour"> of model asset: unknown type "txt".',
    hint: 'Did you mean `text`?',
  },
  {
    name: 'a duplicate name',
    xml: one('<field name="a" type="text"/>\n<field\n  name="A" type="text"/>'),
    message:
      'schema.xml:4: <field name="A"> of model asset: duplicate name "A": it is taken by schema.xml:3: <field name="a"> of model asset.',
    hint: 'Names that differ only in case count as the same.',
  },
  {
    name: 'a relationship to a model that is not there',
    xml: one('<belongs-to model="assset" name="up"/>'),
    message: 'schema.xml:3: <belongs-to model="assset"> of model asset: there is no model "assset".',
    hint: 'Did you mean `asset`?',
  },
  {
    name: 'an index on no field',
    xml: one('<field name="make" type="text"/>\n\n<index on="make, mkae"/>'),
    message:
      'schema.xml:5: <index on="make, mkae"> of model asset: the index is on "mkae", which is no field and no belongs-to of the model.',
    hint: 'Did you mean `make`?',
  },
  {
    name: 'an option of an option',
    xml: one('<field name="a" type="single-choice"><option key="x"><option key="y"/></option></field>'),
    message: 'schema.xml:3: <option key="y"> of option x of field a of model asset: <option> cannot be in <option>.',
    hint: 'It belongs into <field>.',
  },
  {
    name: 'an unknown element',
    xml: one('<feild name="a" type="text"/>'),
    message: 'schema.xml:3: <feild name="a"> of model asset: unknown element <feild>.',
    hint: 'Did you mean `field`?',
  },
  {
    name: 'an element in the wrong place',
    xml: '<data-model>\n<field name="a" type="text"/>\n</data-model>',
    message: 'schema.xml:2: <field name="a">: <field> cannot be in <data-model>.',
    hint: 'It belongs into <model>.',
  },
  {
    name: 'an unknown attribute',
    xml: one('<field name="a" type="text" lable="A"/>'),
    message: 'schema.xml:3: <field name="a"> of model asset: unknown attribute "lable".',
    hint: 'Did you mean `label`?',
  },
  {
    name: 'an attribute where there is none',
    xml: one('<field name="a" type="text"/><display text="{a}">{a}</display>'),
    message: 'schema.xml:3: <display> of model asset: unknown attribute "text".',
    hint: 'There is none that it could have.',
  },
  {
    name: 'text where there is none',
    xml: one('<field name="a" type="text">label</field>'),
    message:
      'schema.xml:3: <field name="a"> of model asset: it holds text, "label", where only elements and attributes can be.',
  },
  {
    name: 'two display texts',
    xml: one('<display>a</display>\n<display>b</display>'),
    message: 'schema.xml:4: <display> of model asset: a model has one display text; this is another.',
    hint: 'Keep one of them.',
  },
  {
    name: 'another root element',
    xml: '<schema>\n</schema>',
    message: 'schema.xml:1: <schema>: the root element must be <data-model>.',
  },
  {
    name: 'a field without a name',
    xml: one('<field type="text"/>'),
    message: 'schema.xml:3: <field> of model asset: the name is missing.',
    hint: 'Give it a `name`.',
  },
  {
    name: 'a tag that is not closed',
    xml: one('<field name="a" type="text">'),
    message: 'schema.xml:4:1: Missing end tag for element field\n  4 | </model>\n    | ^',
  },
  {
    name: 'an attribute without quotes, after characters of several bytes',
    xml: one('<!-- 😀\n😀 --><field name="ü" label=Ü/>'),
    message:
      'schema.xml:4:29: Attribute value expected\n  4 | 😀 --><field name="ü" label=Ü/>\n    |                             ^',
  },
  {
    name: 'an attribute twice',
    xml: '<data-model a="1" a="2"/>',
    message: 'schema.xml:1:24: Duplicate attribute: a\n  1 | <data-model a="1" a="2"/>\n    |                        ^',
  },
  {
    name: 'a bare ampersand',
    xml: one('<field name="a" label="A & B" type="text"/>'),
    message:
      'schema.xml:3:28: Unterminated reference (a reference must end with `;`)\n  3 | <field name="a" label="A & B" type="text"/>\n    |                            ^',
    hint: 'Write `&amp;` for the character &; besides &amp;, &lt;, &gt;, &quot; and &apos; there are only numbers, such as &#233;.',
  },
  { name: 'an empty file', xml: '', message: 'schema.xml:1:1: Root element is missing or invalid\n  1 | \n    | ^' },
  {
    name: 'two roots',
    xml: '<data-model/>\n<data-model/>',
    message: 'schema.xml:2:1: Extra content at the end of the document\n  2 | <data-model/>\n    | ^',
  },
  {
    name: 'another encoding',
    xml: '<?xml version="1.0" encoding="ISO-8859-1"?>\n<data-model/>',
    message: 'schema.xml:1: the encoding is "ISO-8859-1"; it must be UTF-8.',
    hint: 'Save the file in UTF-8 and write encoding="UTF-8", or nothing.',
  },
];

const forbidden = 'A document type is not allowed, nor are the entities that it may define';
const laughs = Array.from({ length: 9 }, (_, level) => `<!ENTITY l${level + 1} "${`&l${level};`.repeat(10)}">`).join(
  '\n',
);

const attacks: readonly (readonly [name: string, xml: string, line: number])[] = [
  ['a document type', '<!DOCTYPE data-model>\n<data-model/>', 1],
  [
    'an external document type',
    '<?xml version="1.0"?>\n<!-- <data-model> -->\n\n<!DOCTYPE data-model SYSTEM "http://127.0.0.1:9/x.dtd">\n<data-model/>',
    4,
  ],
  [
    'an external entity',
    '<!DOCTYPE data-model [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<data-model>&x;</data-model>',
    1,
  ],
  ['an entity bomb', `<!DOCTYPE data-model [<!ENTITY l0 "ha">\n${laughs}]>\n<data-model>&l9;</data-model>`, 1],
  ['a parameter entity', '<!DOCTYPE data-model [<!ENTITY % x SYSTEM "file:///dev/zero"> %x;]>\n<data-model/>', 1],
];

async function read(folder: string): Promise<unknown> {
  return readDataModelFile(folder, tasks).then(
    (dataModel) => assert.fail(`it was read: ${JSON.stringify(dataModel)}`),
    (error: unknown) => error,
  );
}

describe('schema.xml', { concurrency: true }, () => {
  it('gives the data model of the guide', async (t) => {
    const folder = await makeFolder(t, { 'schema.xml': guide });
    assert.deepEqual(await readDataModelFile(folder, tasks), {
      models: [
        {
          name: 'asset',
          label: 'Asset',
          fields: [
            { name: 'make', label: 'Make', type: 'text', subtype: 'name', options: [] },
            { name: 'model', label: 'Model', type: 'text', subtype: null, options: [] },
            {
              name: 'condition',
              label: 'Condition',
              type: 'single-choice',
              subtype: null,
              options: [
                { key: 'good', label: 'Good' },
                { key: 'bad', label: 'Bad' },
              ],
            },
          ],
          belongsTo: [{ name: 'building', model: 'building' }],
          hasMany: [],
          indexes: [
            { name: 'building', on: ['building'] },
            { name: 'by_model', on: ['make', 'model'] },
          ],
          display: '{make} {model}',
          webhooks: [{ type: 'update', name: 'asset_saved', receiver: 'cloudcode', action: 'on_asset' }],
        },
        {
          name: 'building',
          label: 'Building',
          fields: [{ name: 'name', label: 'Name', type: 'text', subtype: 'name', options: [] }],
          belongsTo: [],
          hasMany: [{ name: 'assets', model: 'asset', inverseOf: 'building' }],
          indexes: [],
          display: '{name}',
          webhooks: [],
        },
      ],
    });
  });

  it('is no data model when it is not there', async (t) => {
    assert.equal(await readDataModelFile(await makeFolder(t, { 'package.json': '{}' }), tasks), null);
  });

  it('is read with a byte order mark, other line ends, comments, CDATA and characters by number', async (t) => {
    const xml = `\uFEFF<?xml version="1.0" encoding="utf-8"?>\n<!-- a -->${guide.replace('<option key="good">Good', '<option key="good"><![CDATA[<G>]]> &amp; &#x1F600;')}`;
    const dataModel = await readDataModelFile(
      await makeFolder(t, { 'schema.xml': xml.replaceAll('\n', '\r\n') }),
      tasks,
    );
    assert.equal(dataModel?.models[0]?.fields[2]?.options[0]?.label, '<G> & 😀');
    const broken = await makeFolder(t, { 'schema.xml': xml.replace('"text:name"', '"txt"').replaceAll('\n', '\r\n') });
    assert.match(String(await read(broken)), /schema\.xml:4: <field name="make"> of model asset/);
  });

  for (const { name, xml, message, hint } of table) {
    it(`refuses ${name}`, async (t) => {
      const error = await read(await makeFolder(t, { 'schema.xml': xml }));
      assert.ok(error instanceof CloudCodeError, String(error));
      assert.deepEqual([error.code, error.message, error.hint], ['invalid_data_model', message, hint]);
    });
  }

  for (const [name, xml, line] of attacks) {
    it(`refuses ${name}, and reads nothing of it`, async (t) => {
      const error = await read(await makeFolder(t, { 'schema.xml': xml }));
      assert.ok(error instanceof CloudCodeError, String(error));
      assert.equal(error.message.split('\n')[0], `schema.xml:${line}:1: ${forbidden}`);
      assert.equal(error.hint, 'Remove <!DOCTYPE …>.');
    });
  }

  it('refuses what is too large, too deep, or no UTF-8', async (t) => {
    const folder = await makeFolder(t, {});
    const refusal = async (content: string | Buffer): Promise<string> => {
      await writeFile(join(folder, 'schema.xml'), content);
      return String(await read(folder));
    };
    assert.match(
      await refusal(`<data-model>${' '.repeat(5 * 1024 * 1024)}</data-model>`),
      /schema\.xml has 5242905 bytes; at most 5242880 \(5 MB\) are read/,
    );
    assert.match(await refusal('<model>'.repeat(100_000)), /schema\.xml: its elements are nested too deeply/);
    assert.match(await refusal(Buffer.from('<data-model a="é"/>', 'latin1')), /schema\.xml is not UTF-8/);
    assert.match(await refusal(Buffer.from('<data-model/>', 'utf16le')), /schema\.xml:1:1: /);
  });

  it('tells all mistakes together, in the order of the lines', async (t) => {
    const xml = guide
      .replace('text:name', 'txt')
      .replace('name="model"', 'name="modl"')
      .replace('key="bad"', 'kei="bad"')
      .replace('on_asset', 'nothing')
      .replace('<field name="name"', '<field nam="name"');
    const message = String(await read(await makeFolder(t, { 'schema.xml': xml })));
    assert.match(message, /^CloudCodeError: 9 things are wrong\.\n\nschema\.xml:3: /);
    assert.deepEqual(
      [...message.matchAll(/^schema\.xml:(\d+):/gm)].map(([, line]) => Number(line)),
      [3, 7, 7, 11, 12, 13, 16, 16, 18],
    );
  });

  it('gives a draft or one clear error, whatever was typed', () => {
    const parts = guide.match(/<[^<>]*>|[^<]+/g) ?? [];
    const mutation = fc.record({
      at: fc.nat(parts.length - 1),
      drop: fc.nat(2),
      insert: fc.oneof(
        fc.constantFrom(
          '',
          '<',
          '>',
          '&',
          '"',
          ']]>',
          '<!--',
          '<![CDATA[',
          '<?x',
          '&#0;',
          '</model>',
          '<model>',
          '\0',
          '\ud800',
        ),
        fc.string({ maxLength: 5 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const changed = [...parts];
        for (const { at, drop, insert } of mutations) changed.splice(at, drop, insert);
        try {
          readSchemaXml('schema.xml', Buffer.from(changed.join('')));
        } catch (error) {
          assert.ok(
            error instanceof CloudCodeError &&
              error.code === 'invalid_data_model' &&
              /^schema\.xml:\d+:\d+: /.test(error.message),
            String(error),
          );
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is read in a moment, also when it is as large as it may be', () => {
    const xml = `<data-model>${Array.from({ length: 40 }, (_, model) => `\n<model name="m${model}">${Array.from({ length: 1500 }, (_, name) => `\n  <field name="field${name}" label="ü ${'x'.repeat(30)}" type="text"/>`).join('')}</model>`).join('')}</data-model>`;
    assert.ok(xml.length > 4 * 1024 * 1024);
    const before = performance.now();
    assert.equal(readSchemaXml('schema.xml', Buffer.from(xml)).models.length, 40);
    assert.ok(performance.now() - before < 10_000);
  });
});
