import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDraft } from '../../../src/data/model/data-model-draft.ts';
import {
  allTypes,
  belongsTo,
  building,
  field,
  hasMany,
  index,
  keyRule,
  model,
  nameRule,
  other,
  problemsOf,
} from './drafts.ts';

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
  ];

describe('checkDataModel refuses, of names, fields and choices', () => {
  for (const [name, models, ...problems] of table) it(name, () => assert.deepEqual(problemsOf(...models()), problems));
});
