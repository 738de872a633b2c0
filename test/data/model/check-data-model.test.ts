import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDataModel } from '../../../src/data/model/check-data-model.ts';
import type {
  BelongsToDraft,
  FieldDraft,
  HasManyDraft,
  IndexDraft,
  ModelDraft,
  WebhookDraft,
} from '../../../src/data/model/data-model-draft.ts';
import { fieldTypes } from '../../../src/data/model/field-types.ts';

let order = 0;
const at = (text: string) => ({ text, order: (order += 1) });
const field = (
  name: string | null,
  type: string | null = 'text',
  keys: readonly (string | number | null)[] = [],
): FieldDraft => {
  const where = at(`field ${name ?? '?'}`);
  return {
    where,
    name,
    label: null,
    type,
    renamedFrom: null,
    options: keys.map((key) => ({ where: at(`key ${key}`), key, label: null })),
  };
};
const belongsTo = (model: string | null, name: string | null = null): BelongsToDraft => ({
  where: at(`belongs-to ${model ?? '?'}`),
  model,
  name,
  renamedFrom: null,
});
const hasMany = (model: string | null, name: string | null, inverseOf: string | null = null): HasManyDraft => ({
  where: at(`has-many ${name ?? '?'}`),
  model,
  name,
  inverseOf,
});
const index = (on: readonly string[], name: string | null = null): IndexDraft => ({
  where: at(`index ${on.join(',')}`),
  on,
  name,
});
const webhook = (parts: Partial<WebhookDraft>): WebhookDraft => ({
  where: at('webhook'),
  type: 'update',
  name: 'saved',
  receiver: 'cloudcode',
  action: 'on_asset',
  ...parts,
});
const display = (text: string) => ({ where: at('display'), text });
const model = (name: string | null, parts: Partial<ModelDraft> = {}): ModelDraft => {
  return {
    where: at(`model ${name ?? '?'}`),
    name,
    label: null,
    renamedFrom: null,
    fields: [],
    belongsTo: [],
    hasMany: [],
    indexes: [],
    display: null,
    webhooks: [],
    ...parts,
  };
};

/** What is wrong, as `place: message | hint`. */
function problemsOf(...models: readonly ModelDraft[]): readonly string[] {
  return checkDataModel(models, ['on_asset', 'send_mail']).problems.map(
    ({ where, message, hint }) => `${where.text}: ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  );
}

const building = (): ModelDraft => model('building');
const nameRule =
  'A name begins with a letter from a to z, holds such letters, digits and `_` only, and has at most 40 characters.';
const other = 'Choose another name.';
const allTypes = `The types are ${fieldTypes.join(', ')}.`;
const keyRule = 'Its keys are whole numbers from -2147483648 to 2147483647.';

const table: readonly (readonly [name: string, models: () => readonly ModelDraft[], ...problems: readonly string[]])[] =
  [
    ['a model without a name', () => [model(null)], 'model ?: the name is missing. | Give it a `name`.'],
    [
      'a model with a sign in its name',
      () => [model('my-asset')],
      `model my-asset: "my-asset" cannot be the name of a model. | ${nameRule}`,
    ],
    [
      'a model name of 41 characters',
      () => [model('a'.repeat(41))],
      `model ${'a'.repeat(41)}: "${'a'.repeat(41)}" cannot be the name of a model. | ${nameRule}`,
    ],
    [
      'a model called Batch',
      () => [model('Batch')],
      `model Batch: "Batch" cannot be the name of a model: \`DB.Batch\` is something else. | ${other}`,
    ],
    [
      'a model called then',
      () => [model('then')],
      `model then: "then" cannot be the name of a model: \`DB.then\` is something else. | ${other}`,
    ],
    [
      'models that differ in case',
      () => [building(), model('Building')],
      'model Building: duplicate name "Building": it is taken by model building. | Names that differ only in case count as the same.',
    ],
    [
      'a field that begins with a digit',
      () => [model('a', { fields: [field('1st')] })],
      `field 1st: "1st" cannot be the name of a field. | ${nameRule}`,
    ],
    [
      'a field called id',
      () => [model('a', { fields: [field('ID')] })],
      `field ID: "ID" cannot be the name of a field: every object has its own \`id\`. | ${other}`,
    ],
    [
      'a field called constructor',
      () => [model('a', { fields: [field('constructor')] })],
      `field constructor: "constructor" cannot be the name of a field: every object has its own \`constructor\`. | ${other}`,
    ],
    [
      'a field called like a column of PostgreSQL',
      () => [model('a', { fields: [field('xmin')] })],
      `field xmin: "xmin" cannot be the name of a field: PostgreSQL keeps it for itself. | ${other}`,
    ],
    [
      'a has-many called save',
      () => [model('a', { belongsTo: [belongsTo('a', 'up')], hasMany: [hasMany('a', 'save')] })],
      `has-many save: "save" cannot be the name of a has-many: every object has its own \`save\`. | ${other}`,
    ],
    [
      'an index on no field beside a field that is there twice',
      () => [model('a', { fields: [field('make'), field('make')], indexes: [index(['colour'])] })],
      'field make: duplicate name "make": it is taken by field make.',
      'index colour: the index is on "colour", which is no field and no belongs-to of the model. | There is make.',
    ],
    [
      'a field twice',
      () => [model('a', { fields: [field('make'), field('make')] })],
      'field make: duplicate name "make": it is taken by field make.',
    ],
    [
      'a field that a belongs-to is stored as',
      () => [building(), model('a', { fields: [field('Building_id')], belongsTo: [belongsTo('building')] })],
      'belongs-to building: duplicate name "building_id": it is taken by field Building_id. | A belongs-to `building` also takes the name `building_id`.',
    ],
    [
      'two belongs-to of one model without a name',
      () => [building(), model('a', { belongsTo: [belongsTo('building'), belongsTo('building')] })],
      'belongs-to building: duplicate name "building": it is taken by belongs-to building. | Give it another name: `name` may be set.',
    ],
    [
      'a field renamed from its own name',
      () => [model('a', { fields: [{ ...field('make'), renamedFrom: 'make' }] })],
      'field make: it is renamed from its own name. | Give the name that it had, or leave it out.',
    ],
    [
      'a field renamed from one that is there',
      () => [model('a', { fields: [field('make'), { ...field('brand'), renamedFrom: 'make' }] })],
      'field brand: it is renamed from "make", and the field make is there still. | Leave one of the two out.',
    ],
    [
      'two fields renamed from one',
      () => [
        model('a', {
          fields: [
            { ...field('x'), renamedFrom: 'make' },
            { ...field('y'), renamedFrom: 'make' },
          ],
        }),
      ],
      'field y: it is renamed from "make", as field x is. | Leave it out at one of the two.',
    ],
    [
      'a model renamed from what is no name',
      () => [{ ...model('a'), renamedFrom: 'my-asset' }],
      'model a: it is renamed from "my-asset", which cannot have been a name. | Give the name that it had.',
    ],
    [
      'a belongs-to renamed from one that is there',
      () => [
        building(),
        model('a', {
          belongsTo: [belongsTo('building'), { ...belongsTo('building', 'home'), renamedFrom: 'building' }],
        }),
      ],
      'belongs-to building: it is renamed from "building", and the field building is there still. | Leave one of the two out.',
    ],
    [
      'a field without a type',
      () => [model('a', { fields: [field('make', null)] })],
      `field make: the type is missing. | ${allTypes}`,
    ],
    [
      'an unknown type near a known one',
      () => [model('a', { fields: [field('make', 'txt')] })],
      'field make: unknown type "txt". | Did you mean `text`?',
    ],
    [
      'an unknown type',
      () => [model('a', { fields: [field('make', 'varchar')] })],
      `field make: unknown type "varchar". | ${allTypes}`,
    ],
    [
      'a subtype of an integer',
      () => [model('a', { fields: [field('n', 'integer:small')] })],
      'field n: unknown type "integer:small": only text has subtypes. | Write `integer`.',
    ],
    [
      'an empty subtype',
      () => [model('a', { fields: [field('n', 'text:')] })],
      'field n: unknown type "text:": what follows the colon is no subtype. | A subtype is one word, as in `text:name`.',
    ],
    [
      'options on a text',
      () => [model('a', { fields: [field('make', 'text', ['x', 'y'])] })],
      'key x: options belong to choices; the field is a text. | The types with options are single-choice, single-choice-integer, multiple-choice, multiple-choice-integer.',
    ],
    [
      'a choice without options',
      () => [model('a', { fields: [field('make', 'multiple-choice')] })],
      'field make: a multiple-choice without options. | Name the keys that can be chosen, each as an option.',
    ],
    [
      'a key twice',
      () => [model('a', { fields: [field('make', 'single-choice', ['x', 'X'])] })],
      'key X: duplicate key "X": it is taken by key x. | Keys that differ only in case count as the same.',
    ],
    [
      'an integer key twice',
      () => [model('a', { fields: [field('make', 'single-choice-integer', ['1', 1])] })],
      'key 1: duplicate key 1: it is taken by key 1.',
    ],
    [
      'keys that are missing',
      () => [model('a', { fields: [field('make', 'single-choice', [null, '', 'null'])] })],
      'key null: the key is missing. | Give it a `key`: it is what is stored.',
      'key : the key is missing. | Give it a `key`: it is what is stored.',
    ],
    [
      'a number where text is stored',
      () => [model('a', { fields: [field('make', 'single-choice', [5])] })],
      'key 5: the key 5 is no text. | Write it in quotes, or make the field a choice of integers.',
    ],
    [
      'a key with U+0000',
      () => [model('a', { fields: [field('make', 'single-choice', ['\0'])] })],
      'key \0: the key "\\u0000" holds a character that cannot be stored.',
    ],
    [
      'integer keys that are none',
      () => [
        model('a', {
          fields: [
            field('n', 'single-choice-integer', [
              'one',
              '1.5',
              '2147483648',
              '-2147483649',
              1.5,
              NaN,
              '01',
              '1e3',
              ' 1',
            ]),
          ],
        }),
      ],
      ...['"one"', '"1.5"', '"2147483648"', '"-2147483649"', '1.5', 'null', '"01"', '"1e3"', '" 1"'].map(
        (shown, position) => {
          return `key ${['one', '1.5', '2147483648', '-2147483649', '1.5', 'NaN', '01', '1e3', ' 1'][position] ?? ''}: the key ${shown} is no 32-bit integer. | ${keyRule}`;
        },
      ),
    ],
    [
      'a belongs-to without a model',
      () => [model('a', { belongsTo: [belongsTo(null, 'up')] })],
      'belongs-to ?: the model is missing. | Name the other model with `model`.',
    ],
    [
      'a belongs-to to a model that is not there',
      () => [building(), model('a', { belongsTo: [belongsTo('bilding')] })],
      'belongs-to bilding: there is no model "bilding". | Did you mean `building`?',
    ],
    [
      'a has-many of a model that is not there',
      () => [model('a', { hasMany: [hasMany('somewhere', 'others')] })],
      'has-many others: there is no model "somewhere".',
    ],
    [
      'a has-many without a name',
      () => [model('a', { belongsTo: [belongsTo('a', 'up')], hasMany: [hasMany('a', null)] })],
      'has-many ?: the name is missing. | Give it a `name`.',
    ],
    [
      'a has-many without a belongs-to back',
      () => [model('a', { hasMany: [hasMany('building', 'all')] }), building()],
      'has-many all: model building has no belongs-to back to model a. | A has-many is the other side of a belongs-to: add one to model building.',
    ],
    [
      'a has-many with several belongs-to back',
      () => [
        model('a', { belongsTo: [belongsTo('building', 'home'), belongsTo('building', 'work')] }),
        model('building', { hasMany: [hasMany('a', 'all')] }),
      ],
      'has-many all: model a belongs to building in several ways: home, work. | Name the one that is meant: `inverse-of` in schema.xml, `inverseOf` in data-model.ts.',
    ],
    [
      'an inverse that is not there',
      () => [
        model('a', { belongsTo: [belongsTo('building', 'home'), belongsTo('a', 'up')] }),
        model('building', { hasMany: [hasMany('a', 'all', 'hom'), hasMany('a', 'more', 'up')] }),
      ],
      'has-many all: model a has no belongs-to "hom" back to model building. | Did you mean `home`?',
      'has-many more: model a has no belongs-to "up" back to model building. | There is home.',
    ],
    [
      'an index on nothing',
      () => [model('a', { indexes: [index([])] })],
      'index : an index on nothing. | Name one or more fields or belongs-to with `on`.',
    ],
    [
      'an index on no field',
      () => [model('a', { fields: [field('make')], indexes: [index(['mkae'])] })],
      'index mkae: the index is on "mkae", which is no field and no belongs-to of the model. | Did you mean `make`?',
    ],
    [
      'an index on an id',
      () => [building(), model('a', { belongsTo: [belongsTo('building')], indexes: [index(['building_id'])] })],
      'index building_id: the index is on "building_id", which is no field and no belongs-to of the model. | Did you mean `building`?',
    ],
    [
      'an index on a location and a photo',
      () => [
        model('a', {
          fields: [field('place', 'location'), field('face', 'photo')],
          indexes: [index(['place', 'face'])],
        }),
      ],
      'index place,face: the index is on "place", which is of type location: that has no index.',
      'index place,face: the index is on "face", which is of type photo: that has no index.',
    ],
    [
      'an index that names a field twice',
      () => [model('a', { fields: [field('make')], indexes: [index(['make', 'make'])] })],
      'index make,make: the index names "make" twice.',
    ],
    [
      'indexes of the same name',
      () => [model('a', { fields: [field('a1'), field('b')], indexes: [index(['a1', 'b']), index(['b'], 'A1_b')] })],
      'index b: duplicate name "A1_b": it is taken by index a1,b. | Names that differ only in case count as the same.',
    ],
    [
      'an index with a sign in its name',
      () => [model('a', { fields: [field('b')], indexes: [index(['b'], 'by b')] })],
      `index b: "by b" cannot be the name of an index. | ${nameRule}`,
    ],
    [
      'a placeholder that is no field',
      () => [model('a', { fields: [field('make')], display: display('{make} {mak} {}') })],
      'display: the display text has {mak}, which is no field of the model. | Did you mean `make`?',
      'display: the display text has {}, which is no field of the model. | There is make.',
    ],
    [
      'a brace alone',
      () => [model('a', { fields: [field('make')], display: display('{make') })],
      'display: the display text has a single `{` or `}`. | Write the name of a field between `{` and `}`.',
    ],
    [
      'an empty display text',
      () => [model('a', { display: display('') })],
      'display: the display text is empty. | Write text and fields, as in `{make} {model}`, or leave it out.',
    ],
    [
      'a webhook of an unknown type',
      () => [model('a', { webhooks: [webhook({ type: 'updated' })] })],
      'webhook: unknown type "updated". | Did you mean `update`?',
    ],
    [
      'a webhook to another receiver',
      () => [model('a', { webhooks: [webhook({ receiver: 'example.com' })] })],
      'webhook: unknown receiver "example.com". | There is cloudcode.',
    ],
    [
      'a webhook whose action is no task',
      () => [model('a', { webhooks: [webhook({ action: 'onasset' })] })],
      'webhook: the action "onasset" is no task of the project. | Did you mean `on_asset`?',
    ],
    [
      'a webhook without anything',
      () => [model('a', { webhooks: [webhook({ type: null, name: null, receiver: null, action: null })] })],
      'webhook: the name is missing. | Give it a `name`.',
      'webhook: the type is missing. | Write `ready` or `update`.',
      'webhook: the receiver is missing. | Write `cloudcode`.',
      'webhook: the action is missing. | Name the task that is to run with `action`.',
    ],
    [
      'webhooks of the same name',
      () => [model('a', { webhooks: [webhook({}), webhook({})] })],
      'webhook: duplicate name "saved": it is taken by webhook.',
    ],
  ];

describe('checkDataModel refuses what cannot be', () => {
  for (const [name, models, ...problems] of table) it(name, () => assert.deepEqual(problemsOf(...models()), problems));

  it('all mistakes of all models at once', () => {
    const problems = problemsOf(
      model('a', { fields: [field('x', 'txt'), field('id')] }),
      model('b', { belongsTo: [belongsTo('c')], indexes: [index(['y'])] }),
    );
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[0]),
      ['field x', 'field id', 'belongs-to c', 'index y'],
    );
  });
});

describe('checkDataModel gives one description', () => {
  it('with labels and names made where they were left out, and integers for keys', () => {
    const { dataModel } = checkDataModel(
      [
        model('asset', {
          fields: [
            field('serial_number', 'text:number'),
            field('isOld', 'boolean'),
            field('level', 'multiple-choice-integer', ['-1', '0', '2147483647']),
          ],
          belongsTo: [belongsTo('building'), belongsTo('asset', 'parent')],
          hasMany: [hasMany('asset', 'parts')],
          indexes: [index(['building', 'serial_number'])],
          display: display('{serial_number}: {level}'),
          webhooks: [webhook({})],
        }),
        model('building', { label: ' The building ', hasMany: [hasMany('asset', 'assets', 'building')] }),
      ],
      ['on_asset'],
    );
    assert.deepEqual(dataModel, {
      models: [
        {
          name: 'asset',
          label: 'Asset',
          fields: [
            { name: 'serial_number', label: 'Serial number', type: 'text', subtype: 'number', options: [] },
            { name: 'isOld', label: 'Is old', type: 'boolean', subtype: null, options: [] },
            {
              name: 'level',
              label: 'Level',
              type: 'multiple-choice-integer',
              subtype: null,
              options: [
                { key: -1, label: '-1' },
                { key: 0, label: '0' },
                { key: 2147483647, label: '2147483647' },
              ],
            },
          ],
          belongsTo: [
            { name: 'building', model: 'building' },
            { name: 'parent', model: 'asset' },
          ],
          hasMany: [{ name: 'parts', model: 'asset', inverseOf: 'parent' }],
          indexes: [{ name: 'building_serial_number', on: ['building', 'serial_number'] }],
          display: '{serial_number}: {level}',
          webhooks: [{ type: 'update', name: 'saved', receiver: 'cloudcode', action: 'on_asset' }],
        },
        {
          name: 'building',
          label: 'The building',
          fields: [],
          belongsTo: [],
          hasMany: [{ name: 'assets', model: 'asset', inverseOf: 'building' }],
          indexes: [],
          display: null,
          webhooks: [],
        },
      ],
    });
  });

  it('allows a model called batch, and the words of expressions as fields', () => {
    assert.deepEqual(
      problemsOf(
        model('batch', {
          fields: ['and', 'or', 'not', 'in', 'contains', 'order', 'select', 'user'].map((name) => field(name)),
        }),
      ),
      [],
    );
  });
});
