import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDraft } from '../../../src/data/model/data-model-draft.ts';
import { belongsTo, building, display, field, hasMany, index, model, nameRule, problemsOf, webhook } from './drafts.ts';

const table: readonly (readonly [name: string, models: () => readonly ModelDraft[], ...problems: readonly string[]])[] =
  [
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

describe('checkDataModel refuses, of relationships, indexes, display texts and webhooks', () => {
  for (const [name, models, ...problems] of table) it(name, () => assert.deepEqual(problemsOf(...models()), problems));
});
