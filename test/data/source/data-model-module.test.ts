import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { dataInProject } from '../../../src/data/source/project-extension.ts';
import type { DataModel, Field, FieldType, Model } from '../../../src/data/model/data-model.ts';
import { fieldTypes } from '../../../src/data/model/field-types.ts';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { buildProject } from '../../../src/project/build-project.ts';
import { endBundler } from '../../../src/project/bundle.ts';
import { readDataModelFile } from '../../../src/data/source/read-data-model-file.ts';
import { makeFolder, writeFiles } from '../../project/make-folder.ts';

const guideXml = `<data-model>
  <model name="asset">
    <field name="make" label="Make" type="text:name"/>
    <field name="model" type="text"/>
    <field name="condition" type="single-choice"><option key="good">Good</option><option key="bad">Bad</option></field>
    <field name="level" type="single-choice-integer"><option key="1">One</option><option key="2">Two</option></field>
    <field name="size" type="multiple-choice"><option key="10">Ten</option><option key="2"/></field>
    <belongs-to model="building"/>
    <belongs-to model="building" name="shop" renamed-from="store"/>
    <index on="building"/>
    <index on="make,model" name="by_model"/>
    <display>{make} {model}</display>
    <webhook type="update" name="asset_saved" receiver="cloudcode" action="on_asset"/>
  </model>
  <model name="building" label="House" renamed-from="house"><field name="title" type="text" renamed-from="name"/><has-many model="asset" name="assets" inverse-of="building"/></model>
</data-model>`;

const guideModule = `import { defineDataModel } from 'cloudcode';
const building: string = 'building';
export default defineDataModel({
  asset: {
    fields: {
      make: { type: 'text:name', label: 'Make' },
      model: { type: 'text' },
      condition: { type: 'single-choice', options: { good: 'Good', bad: 'Bad' } },
      level: { type: 'single-choice-integer', options: { 1: 'One', 2: 'Two' } },
      size: { type: 'multiple-choice', options: [{ key: '10', label: 'Ten' }, { key: '2' }] },
    },
    belongsTo: { building, shop: { model: 'building', renamedFrom: 'store' } },
    indexes: [['building'], { on: ['make', 'model'], name: 'by_model' }],
    display: '{make} {model}',
    webhooks: [{ type: 'update', name: 'asset_saved', receiver: 'cloudcode', action: 'on_asset' }],
  },
  building: { label: 'House', renamedFrom: 'house', fields: { title: { type: 'text', renamedFrom: 'name' } }, hasMany: { assets: { model: 'asset', inverseOf: 'building' } } },
});
`;

const tasks = ['on_asset'];

interface BadModule {
  readonly name: string;
  /** What is exported by default. */
  readonly model: string;
  readonly message: string;
  readonly hint?: string;
}

const table: readonly BadModule[] = [
  {
    name: 'an unknown type',
    model: "{ asset: { fields: { colour: { type: 'txt' } } } }",
    message: 'data-model.ts: asset.fields.colour: unknown type "txt".',
    hint: 'Did you mean `text`?',
  },
  {
    name: 'a name that cannot be',
    model: "{ asset: { fields: { 'my field': { type: 'text' } } } }",
    message: 'data-model.ts: asset.fields["my field"]: "my field" cannot be the name of a field.',
    hint: 'A name begins with a letter from a to z, holds such letters, digits and `_` only, and has at most 40 characters.',
  },
  {
    name: 'a relationship to a model that is not there',
    model: "{ asset: { belongsTo: { home: 'asst' } } }",
    message: 'data-model.ts: asset.belongsTo.home: there is no model "asst".',
    hint: 'Did you mean `asset`?',
  },
  {
    name: 'a has-many without an inverse',
    model: "{ asset: { hasMany: { parts: 'asset' } } }",
    message: 'data-model.ts: asset.hasMany.parts: model asset has no belongs-to back to model asset.',
    hint: 'A has-many is the other side of a belongs-to: add one to model asset.',
  },
  {
    name: 'an index on no field',
    model: "{ asset: { indexes: [['x']] } }",
    message: 'data-model.ts: asset.indexes[0]: the index is on "x", which is no field and no belongs-to of the model.',
  },
  {
    name: 'a key that is no integer',
    model: "{ asset: { fields: { n: { type: 'single-choice-integer', options: { one: 'One' } } } } }",
    message: 'data-model.ts: asset.fields.n.options.one: the key "one" is no 32-bit integer.',
    hint: 'Its keys are whole numbers from -2147483648 to 2147483647.',
  },
  {
    name: 'a display text that names no field',
    model: "{ asset: { display: '{make}' } }",
    message: 'data-model.ts: asset.display: the display text has {make}, which is no field of the model.',
  },
  {
    name: 'a webhook whose action is no task',
    model: "{ asset: { webhooks: [{ type: 'ready', name: 'x', receiver: 'cloudcode', action: 'onasset' }] } }",
    message: 'data-model.ts: asset.webhooks[0]: the action "onasset" is no task of the project.',
    hint: 'Did you mean `on_asset`?',
  },
  {
    name: 'a misspelt part of a model',
    model: '{ asset: { feilds: {} } }',
    message:
      'data-model.ts: `asset` has a key that is not known: `feilds` (did you mean `fields`?); the known ones are label, renamedFrom, fields, belongsTo, hasMany, indexes, display, webhooks.',
  },
  {
    name: 'a misspelt part of a field',
    model: "{ asset: { fields: { a: { type: 'text', lable: '' } } } }",
    message:
      'data-model.ts: `asset.fields.a` has a key that is not known: `lable` (did you mean `label`?); the known ones are type, label, renamedFrom, options.',
  },
  {
    name: 'a type that is no text',
    model: '{ asset: { fields: { a: { type: String } } } }',
    message: 'data-model.ts: `asset.fields.a.type` is a function; it must be a string.',
  },
  {
    name: 'options of another shape',
    model: "{ asset: { fields: { a: { type: 'single-choice', options: ['a', 'b'] } } } }",
    message:
      'data-model.ts: `asset.fields.a.options` is an array; it must be an object of labels by their keys, or an array of { key, label }.',
  },
  {
    name: 'an index of another shape',
    model: "{ asset: { indexes: ['a'] } }",
    message: 'data-model.ts: `asset.indexes[0]` is "a"; it must be an array of names, or { on, name }.',
  },
  {
    name: 'models of another shape',
    model: '[]',
    message: 'data-model.ts: the default export is an array; it must be an object.',
  },
];

function xmlOf({ models }: DataModel): string {
  const text = (value: string): string =>
    value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  const fields = (model: Model): string =>
    model.fields
      .map(({ name, label, type, options }) => {
        return `<field name="${name}" label="${text(label)}" type="${type}">${options.map(({ key, label: shown }) => `<option key="${text(String(key))}">${text(shown)}</option>`).join('')}</field>`;
      })
      .join('\n');
  return `<data-model>${models.map((model) => `<model name="${model.name}" label="${text(model.label)}">\n${fields(model)}\n<belongs-to name="up" model="${model.belongsTo[0]?.model ?? ''}"/></model>`).join('\n')}</data-model>`;
}

function moduleOf({ models }: DataModel): string {
  const entries = models.map(({ name, label, fields, belongsTo }) => [
    name,
    {
      label,
      fields: Object.fromEntries(
        fields.map(({ name: field, label: shown, type, options }) => [
          field,
          { type, label: shown, ...(options.length > 0 && { options }) },
        ]),
      ),
      belongsTo: { up: belongsTo[0]?.model },
    },
  ]);
  return `export default ${JSON.stringify(Object.fromEntries(entries))};`;
}

const label = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((text) => text.replaceAll(/[\s\p{C}\u00ad]+/gu, ' ').trim())
  .filter((text) => text !== '');
const optionsOf = (type: FieldType) => {
  const key = type.endsWith('-integer') ? fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) : label;
  const options = fc.uniqueArray(fc.record({ key, label }, { noNullPrototype: true }), {
    minLength: 1,
    maxLength: 5,
    selector: (option) => String(option.key).toLowerCase(),
  });
  return type.includes('choice') ? options : fc.constant([]);
};
const field = fc
  .constantFrom(...fieldTypes)
  .chain((type) => fc.record({ label, options: optionsOf(type) }).map((rest) => ({ type, subtype: null, ...rest })));
const dataModel: fc.Arbitrary<DataModel> = fc
  .array(fc.record({ label, fields: fc.array(field, { maxLength: 6 }) }), { minLength: 1, maxLength: 4 })
  .map((drafts) => {
    const models = drafts.map(({ label: shown, fields }, index): Model => {
      const named = fields.map((one, position): Field => ({ name: `f${position}`, ...one }));
      return {
        name: `m${index}`,
        label: shown,
        fields: named,
        belongsTo: [{ name: 'up', model: `m${(index + 1) % drafts.length}` }],
        hasMany: [],
        indexes: [],
        display: null,
        webhooks: [],
      };
    });
    return { models };
  });

describe('data-model.ts', { concurrency: true }, () => {
  after(endBundler);

  it('gives the same as schema.xml', async (t) => {
    const fromXml = await readDataModelFile(await makeFolder(t, { 'schema.xml': guideXml }), tasks);
    assert.ok(fromXml !== null);
    const plain = guideModule.replace(': string', '');
    for (const [file, text] of [
      ['data-model.ts', guideModule],
      ['data-model.mts', guideModule],
      ['data-model.js', plain],
      ['data-model.mjs', plain],
    ] as const) {
      assert.deepEqual(await readDataModelFile(await makeFolder(t, { [file]: text }), tasks), fromXml, file);
    }
  });

  it('gives the same as schema.xml, whatever is described', async (t) => {
    const folders = { xml: await makeFolder(t, {}), module: await makeFolder(t, {}) };
    await fc.assert(
      fc.asyncProperty(dataModel, async (described) => {
        await writeFiles(folders.xml, { 'schema.xml': xmlOf(described) });
        await writeFiles(folders.module, { 'data-model.ts': moduleOf(described) });
        assert.deepEqual(await readDataModelFile(folders.xml, tasks), described);
        assert.deepEqual(await readDataModelFile(folders.module, tasks), described);
      }),
      { numRuns: 100 },
    );
  });

  for (const { name, model, message, hint } of table) {
    it(`refuses ${name}`, async (t) => {
      const folder = await makeFolder(t, { 'data-model.ts': `export default ${model};` });
      const error = await readDataModelFile(folder, tasks).then(
        () => assert.fail('it was read'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof CloudCodeError, String(error));
      assert.deepEqual([error.code, error.message, error.hint], ['invalid_data_model', message, hint]);
    });
  }

  it('refuses one that is broken, throws or exports nothing, with its place', async (t) => {
    const refusal = async (text: string): Promise<string> =>
      readDataModelFile(await makeFolder(t, { 'data-model.ts': text }), tasks).then(
        () => '',
        (error: unknown) => String(error),
      );
    assert.match(await refusal('export default {\n  asset: {\n'), /data-model\.ts:3:1: /);
    assert.match(
      await refusal('const nothing: any = null;\nexport default { asset: nothing.field };'),
      /data-model\.ts:2:33: it threw TypeError/,
    );
    assert.match(await refusal('export const models = {};'), /data-model\.ts has no default export/);
  });

  it('stands alone: two data models are one too many', async (t) => {
    const folder = await makeFolder(t, { 'schema.xml': guideXml, 'data-model.ts': guideModule });
    await assert.rejects(readDataModelFile(folder, tasks), {
      code: 'invalid_data_model',
      message: 'There are two data models, schema.xml and data-model.ts.',
      hint: 'Keep one of them.',
    });
  });
});

describe('buildProject reads the data model', { concurrency: true }, () => {
  after(endBundler);
  const task = { 'cloudcode/on_asset/index.ts': 'export async function run() {}' };

  it('with the tasks; a project may have none', async (t) => {
    const folder = await makeFolder(t, { ...task, 'data-model.ts': guideModule });
    const { extension: built } = await buildProject(folder, { extension: dataInProject });
    assert.deepEqual(
      (built as DataModel | null)?.models.map(({ name }) => name),
      ['asset', 'building'],
    );
    const without = await makeFolder(t, task);
    assert.equal((await buildProject(without, { extension: dataInProject })).extension, null);
  });

  it('and tells its mistakes with those of the tasks and the configuration', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/on_asset/index.ts': 'export const x = ;',
      'cloudcode.config.ts': 'export default { concurrency: 0, queue: {} };',
      'schema.xml': guideXml.replace('type="text"', 'type="txt"').replace('on_asset', 'other'),
    });
    const error = await buildProject(folder, { extension: dataInProject }).then(
      () => assert.fail('it was built'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof CloudCodeError);
    assert.deepEqual(
      error.message.split('\n\n').map((part) => part.split(': ')[0]),
      [
        '5 things are wrong.',
        'cloudcode/on_asset/index.ts:1:18',
        'cloudcode.config.ts',
        'cloudcode.config.ts',
        'schema.xml:4',
        'schema.xml:13',
      ],
    );
  });
});
