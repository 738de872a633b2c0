import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDeployment } from '../../../src/data/extension.ts';
import type { Field, Model } from '../../../src/data/model/data-model.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { readCurrentDataModel } from '../../../src/data/tables/prepare-tables.ts';
import { noopTask } from '../../support/store.ts';
import { makeField, makeModel } from '../statements/open-data.ts';
import { type TestTables, testTables } from './open-tables.ts';

const schema = 'cloudcode_testing';

async function deploy(
  { store }: TestTables,
  models: readonly Model[],
): Promise<{ readonly notices: readonly string[]; readonly changed: boolean }> {
  return deployProject(store, 'testing', {
    folder: '/nowhere',
    tasks: [noopTask],
    config: {},
    extension: dataDeployment({ models }),
  });
}

const item = (...fields: readonly Field[]): readonly Model[] => [makeModel('item', fields)];
const formerKeys = async ({ store }: TestTables): Promise<unknown> =>
  (await readCurrentDataModel(store, 'testing'))?.models[0]?.fields.map((field) => field.formerKeys ?? []);

test('a deployment says how many values are no options any more, and keeps in mind which', async () => {
  await using tables = await testTables();
  const before = item(
    makeField('state', 'single-choice', ['good', 'bad', "it's"]),
    makeField('tags', 'multiple-choice', ['red', 'blue']),
    makeField('grade', 'single-choice-integer', [0, 1, 2]),
    makeField('days', 'multiple-choice-integer', [1, 2]),
  );
  const after = item(
    makeField('state', 'single-choice', ['good']),
    makeField('tags', 'multiple-choice', ['red']),
    makeField('grade', 'single-choice-integer', [1]),
    makeField('days', 'multiple-choice-integer', [1, 2, 3]),
  );
  await deploy(tables, before);
  await tables.sql(
    `insert into ${schema}.item (id, state, tags, grade, days) select gen_random_uuid(), case when i <= 12 then 'bad' when i <= 14 then 'it''s' when i <= 20 then 'good' end, case when i <= 3 then '{red,blue}'::text[] when i = 4 then '{}' end, case when i <= 2 then 0 else 1 end, '{1}' from generate_series(1, 30) i`,
  );
  const { notices } = await deploy(tables, after);
  const stay = '; they stay, can be asked for, and are kept when their objects are saved';
  assert.deepEqual(notices, [
    `item.state: 14 values are none of the options ("bad": 12, "it's": 2)${stay}`,
    `item.tags: 3 values are none of the options ("blue": 3)${stay}`,
    `item.grade: 2 values are none of the options (0: 2)${stay}`,
  ]);
  assert.deepEqual(await formerKeys(tables), [['bad', "it's"], ['blue'], [0, 2], []]);

  assert.deepEqual(
    await deploy(tables, after).then(({ notices: again, changed }) => ({ again, changed })),
    { again: [], changed: false },
    'and says so once',
  );
  const labelled = [{ ...after[0], label: 'Thing' }] as readonly Model[];
  assert.deepEqual((await deploy(tables, labelled)).notices, []);
  assert.deepEqual(await formerKeys(tables), [['bad', "it's"], ['blue'], [0, 2], []], 'it goes from model to model');
  await deploy(tables, before);
  assert.deepEqual(await formerKeys(tables), [[], [], [], [3]], 'an option that comes back is one');
});

test('a text that becomes a choice has the keys that it held, up to a hundred', async () => {
  await using tables = await testTables();
  await deploy(tables, item(makeField('state', 'text'), makeField('many', 'text')));
  await tables.sql(
    `insert into ${schema}.item (id, state, many) select gen_random_uuid(), (array['good', 'old', 'older'])[1 + i % 3], 'key ' || i from generate_series(0, 149) i`,
  );
  const { notices } = await deploy(
    tables,
    item(makeField('state', 'single-choice', ['good', 'bad']), makeField('many', 'single-choice', ['a', 'b'])),
  );
  assert.match(notices[0] ?? '', /^item\.state: 100 values are none of the options \("old": 50, "older": 50\);/);
  assert.match(notices[1] ?? '', /^item\.many: more than 101 values are none of the options \("key 0": 1, .*, …\);/);
  const [state, many] = (await formerKeys(tables)) as readonly (readonly string[])[];
  assert.deepEqual(state, ['old', 'older']);
  assert.equal(many?.length, 100);
});

test('a field that is renamed and loses an option says so by its new name', async () => {
  await using tables = await testTables();
  await deploy(tables, item(makeField('state', 'single-choice', ['good', 'bad'])));
  await tables.sql(`insert into ${schema}.item (id, state) values (gen_random_uuid(), 'bad')`);
  const { notices } = await deploy(
    tables,
    item({ ...makeField('condition', 'single-choice', ['good']), renamedFrom: 'state' }),
  );
  assert.match(notices[0] ?? '', /^item\.condition: 1 value is none of the options \("bad": 1\)/);
  assert.equal(notices.length, 1);
  assert.deepEqual(await formerKeys(tables), [['bad']]);
});

test('a belongs-to of another model says how many ids are of none of its objects', async () => {
  await using tables = await testTables();
  const asset = (owner: string): Model => makeModel('asset', [], [{ name: 'owner', model: owner }]);
  const [building, person] = [makeModel('building', []), makeModel('person', [])];
  await deploy(tables, [asset('building'), building, person]);
  await tables.sql(`insert into ${schema}.person (id) values ('00000000-0000-4000-8000-000000000001')`);
  await tables.sql(
    `insert into ${schema}.asset (id, owner_id) values (gen_random_uuid(), '00000000-0000-4000-8000-000000000001'), (gen_random_uuid(), gen_random_uuid()), (gen_random_uuid(), gen_random_uuid()), (gen_random_uuid(), null)`,
  );
  const { notices } = await deploy(tables, [asset('person'), building, person]);
  assert.deepEqual(notices, [
    'asset.owner: 2 ids are of no object of person: reading it gives null, and the id stays until it is set anew',
  ]);
  assert.deepEqual((await deploy(tables, [asset('person'), building, person])).notices, []);
  const human = { ...makeModel('human', []), renamedFrom: 'person' };
  assert.deepEqual(
    (await deploy(tables, [asset('human'), building, human])).notices,
    [],
    'the same model under another name',
  );
});
