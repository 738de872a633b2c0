import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkDataModel } from '../../../src/data/model/check-data-model.ts';
import { belongsTo, display, field, hasMany, index, model, problemsOf, webhook } from './drafts.ts';

describe('checkDataModel refuses what cannot be', () => {
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
