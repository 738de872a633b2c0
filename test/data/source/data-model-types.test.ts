import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, it, type TestContext } from 'node:test';
import { dataInProject } from '../../../src/data/source/project-extension.ts';
import { endBundler } from '../../../src/project/bundle.ts';
import { writeTypes } from '../../../src/project/write-types.ts';
import { compile, installTypes } from '../../project/compile.ts';
import { makeFolder } from '../../project/make-folder.ts';

const bundler = { module: 'esnext', moduleResolution: 'bundler', allowImportingTsExtensions: true, skipLibCheck: true };
const strictest = {
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitReturns: true,
};
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: false, ...strictest };
const ways = [
  ['bundler', bundler],
  ['nodenext, strictest', nodenext],
] as const;

const schema = `<data-model>
  <model name="asset">
    <field name="make" label="Who made it */ and when" type="text:name"/>
    <field name="count" type="integer"/> <field name="weight" type="number"/> <field name="bought" type="date"/> <field name="seen_at" type="datetime"/> <field name="active" type="boolean"/>
    <field name="condition" type="single-choice"><option key="good"/><option key="it's &quot;bad&quot; \\"/></field>
    <field name="level" type="single-choice-integer"><option key="1"/><option key="-2"/></field>
    <field name="colours" type="multiple-choice"><option key="red"/><option key="blue"/></field>
    <field name="sizes" type="multiple-choice-integer"><option key="10"/></field>
    <field name="place" type="location"/> <field name="manual" type="attachment"/> <field name="face" type="photo"/> <field name="proof" type="signature"/>
    <belongs-to model="building"/> <belongs-to model="asset" name="parent"/> <has-many model="asset" name="parts"/>
  </model>
  <model name="building"> <field name="title" type="text"/> <belongs-to model="person" name="owner"/> <has-many model="asset" name="assets"/> </model>
  <model name="person"/>
</data-model>`;

const good = [
  "asset.make = 'Ford'; asset.make = null; asset.count = 4; asset.weight = 1.5; asset.active = true; asset.count -= 1",
  "asset.bought = new Day('2026-03-01'); asset.bought = Day.today().addDays(1); asset.seen_at = new Date(); if (asset.bought < Day.from(new Date())) asset.bought = null",
  "asset.condition = 'good'; asset.condition = 'it\\'s \"bad\" \\\\'; asset.level = -2; asset.colours = ['red', 'blue']; asset.sizes = []",
  'asset.place = { latitude: 1, longitude: 2, timestamp: new Date() }; if (asset.place !== null) console.log(asset.place.altitude)',
  "asset.manual = new Attachment({ data: 'x', filename: 'a.txt' }); asset.face = new Attachment({ data: new Uint8Array() }); console.log(await asset.proof?.text(), asset.face.size)",
  'asset.building(building); asset.building(null); asset.building_id = building.id; asset.parent(asset); asset.parent_id = null',
  'const owner = await (await asset.building())?.owner(); if (owner) await owner.destroy()',
  'for await (const one of building.assets) takesAsset(one)',
  "const few: DBObject<'asset'>[] = await building.assets.where('make contains ?', 'x').orderBy('-make', 'building', 'id', 'parent_id').limit(1).skip(1).include('building.owner', 'parent.parent.parts').toArray(); few.forEach(takesAsset)",
  "const query: Query<'asset'> = DB.asset.where('building = ? and bought > ? and seen_at < ? and make in ? and active = ?', building, Day.today(), new Date(), ['a', null], true)",
  'const total: number = (await DB.asset.all().count()) + (await DB.asset.all().destroyAll()); console.log(total)',
  'await DB.asset.all().forEach(async (one) => { await one.save(); })',
  "const found: DBObject<'asset'> | null = (await DB.asset.first()) ?? (await DB.asset.first('id')) ?? (await DB.asset.first('make = ?', 'x')) ?? (await DB.asset.all().first()); await found?.reload()",
  "takesAsset(DB.asset.create()); takesAsset(DB.asset.create({ make: 'Ford', building, parent: null, bought: null })); takesAsset(DB.asset.create({ building_id: 'x' }))",
  "const batch = new DB.Batch(); batch.save(asset); batch.destroy(building); batch.scheduleTask({ task: 'counting', parameters: { n: 1 }, key: 'k' }); console.log((await batch.execute()).scheduled[0]?.id)",
  "console.log((await CloudCode.scheduleTasks([{ task: 'counting', parameters: { n: 1 }, key: 'k' }, { task: 'caller' }])).length)",
  "await CloudCode.scheduleTasks([1, 2].map((n) => ({ task: 'counting', parameters: { n }, queue: 'q' })))",
  "const list: ScheduleOptions[] = []; list.push({ task: 'caller' }); await CloudCode.scheduleTasks(list); await imported.asset.first()",
  'const same: typeof DB = imported; const day: Day = new ImportedDay(2026, 3, 1); const file: Attachment = new ImportedAttachment({ data: new ArrayBuffer(1) }); console.log(same, day.year, file.filename, JSON.stringify(asset.toJSON()))',
];

const bad = [
  ["asset.mkae = 'Ford'", /'mkae' does not exist on type 'DBObject<"asset">'/],
  ['console.log(asset.cuont)', /'cuont' does not exist on type 'DBObject<"asset">'\. Did you mean 'count'\?/],
  ["asset.count = '4'", /'string' is not assignable to type 'number'/],
  ['asset.bought = new Date()', /'Date' .*'Day'/],
  ['asset.seen_at = Day.today()', /'Day' .*'Date'/],
  ["asset.condition = 'godo'", /'"godo"' is not assignable to type/],
  ['asset.level = 3', /'3' is not assignable/],
  ["asset.colours = ['green']", /'"green"' is not assignable/],
  ["asset.colours?.push('red')", /'push' does not exist on type 'readonly/],
  ["asset.colours = 'red'", /not assignable/],
  ['asset.place = { latitude: 1 }', /'longitude' is missing/],
  ["asset.manual = 'text'", /not assignable to type 'Attachment'/],
  ['asset.make.length', /possibly 'null'/],
  ["asset.id = 'x'", /read-only/],
  ['asset.building = building', /read-only/],
  ['asset.building(asset)', /No overload|not assignable/],
  ['asset.building(building.id)', /No overload|not assignable/],
  ['building.assets = DB.asset.all()', /read-only/],
  ["DB.asset.create({ mkae: 'x' })", /'mkae' does not exist/],
  ['DB.asset.create({ count: true })', /'true' is not assignable|'boolean' is not assignable/],
  ['DB.assset.all()', /'assset' does not exist/],
  ["DB.asset.all().orderBy('mkae')", /'"mkae"' is not assignable/],
  ["DB.asset.all().orderBy('place')", /'"place"' is not assignable/],
  ["DB.asset.all().include('bilding')", /'"bilding"' is not assignable/],
  ["DB.asset.all().include('building.ower')", /'"building\.ower"' is not assignable/],
  ["DB.asset.where('make = ?', { a: 1 })", /'a' does not exist/],
  ["(await DB.asset.first('id')).make", /possibly 'null'/],
  ['new DB.Batch().save(null)', /not assignable/],
  ["new DB.Batch().scheduleTask({ task: 'contuing' })", /contuing/],
  [
    "CloudCode.scheduleTasks([{ task: 'counting', parameters: { n: '1' } }])",
    /'string' is not assignable to type 'number'/,
  ],
  ["CloudCode.scheduleTasks([{ task: 'counting', parameters: { n: 1 }, kee: 'k' }])", /'kee' does not exist/],
  ["new Day('2026', 3)", /No overload expects 2 arguments/],
  ["new Attachment('text')", /not assignable/],
] as const;

const head = `import { DB as imported, Day as ImportedDay, Attachment as ImportedAttachment, type DBObject, type Query, type ScheduleOptions } from 'cloudcode';
const takesAsset = (asset: DBObject<'asset'>): void => console.log(asset.make, imported, ImportedDay, ImportedAttachment, {} as Query<'asset'>, {} as ScheduleOptions);
export async function run() {
  const asset = DB.asset.create();
  const building = DB.building.create();
  takesAsset(asset);
`;

async function makeProject(
  t: TestContext,
  compilerOptions: object,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const shared = { target: 'es2023', lib: ['es2023'], types: ['node'], strict: true, noEmit: true };
  const folder = await makeFolder(t, {
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: { ...shared, ...compilerOptions },
      include: ['cloudcode', '*.ts'],
    }),
    // Schedules itself and others, and returns what that gives: its type must not go in circles.
    'cloudcode/counting/index.ts':
      "export async function run({ n }: { n: number }) {\n  const next = await CloudCode.scheduleTasks([{ task: 'counting', parameters: { n: n - 1 } }]);\n  return next[0]?.id;\n}",
    ...files,
  });
  await installTypes(folder);
  return folder;
}

const callerOf = (statements: readonly string[]) => ({
  'cloudcode/caller/index.ts': `${head}${statements.map((statement) => `  { ${statement}; }\n`).join('')}}\n`,
  'schema.xml': schema,
});

describe('types: DB is checked when the project is compiled', { concurrency: 2 }, () => {
  after(endBundler);

  for (const [name, options] of ways) {
    it(`accepts good code under ${name}`, async (t) => {
      const folder = await makeProject(t, options, callerOf(good));
      await writeTypes(folder, dataInProject);
      assert.deepEqual(await compile(folder), []);
    });

    it(`refuses misspelt fields, wrong keys and wrong types under ${name}`, async (t) => {
      const folder = await makeProject(t, options, callerOf(bad.map(([statement]) => statement)));
      await writeTypes(folder, dataInProject);
      const errors = await compile(folder);
      for (const [position, [statement, expected]] of bad.entries()) {
        const told = errors.filter((line) => line.startsWith(`cloudcode/caller/index.ts(${position + 7},`));
        assert.equal(told.length, 1, `${statement}\n${told.join('\n')}`);
        assert.match(told[0] ?? '', expected, statement);
      }
      assert.equal(errors.length, bad.length, errors.join('\n'));
    });
  }

  it('accepts anything before the types are written', async (t) => {
    const loose = `import { CloudCode, DB } from 'cloudcode';
export async function run(parameters: { state_id: string }) {
  const taskstate = await DB.taskstate.first(parameters.state_id);
  if (taskstate.status == 'complete') return;
  taskstate.tries_remaining -= 1;
  await taskstate.save();
  for await (const one of DB.anything.where('a = ?', 1).orderBy('-a')) await one.building();
  await CloudCode.scheduleTasks([{ task: 'any', parameters: { a: 1 } }, { task: 'other', key: 'k' }]);
  const batch = new DB.Batch();
  batch.save(taskstate);
  await batch.execute();
}`;
    const folder = await makeProject(t, nodenext, { 'cloudcode/counting/index.ts': loose });
    assert.deepEqual(await compile(folder), []);
  });

  it('accepts any model where there is no data model', async (t) => {
    const folder = await makeProject(t, nodenext, {
      'cloudcode/counting/index.ts': 'export async function run() { return DB.taskstate.first(); }',
    });
    await writeTypes(folder, dataInProject);
    assert.deepEqual(await compile(folder), []);
  });

  it('come from data-model.ts as well, with labels that the name does not tell', async (t) => {
    const definition =
      "import { defineDataModel } from 'cloudcode';\nexport default defineDataModel({ asset: { label: 'A thing', fields: { make: { type: 'text', label: 'Who made it */' }, model: { type: 'text', label: 'Model' } } } });";
    const folder = await makeProject(t, nodenext, {
      'data-model.ts': definition,
      'cloudcode/caller/index.ts':
        "export async function run() { const asset = DB.asset.create({ make: 'x' }); return asset.model; }",
    });
    const text = await readFile(await writeTypes(folder, dataInProject), 'utf8');
    assert.match(
      text,
      /\/\*\* A thing \*\/ asset: \{\n {6}fields: \{\n {8}\/\*\* Who made it \* \/ \*\/ make: string;\n {8}model: string;\n/,
    );
    assert.deepEqual(await compile(folder), []);
  });

  it('are not written from a data model with mistakes', async (t) => {
    await assert.rejects(writeTypes(await makeProject(t, bundler, { 'schema.xml': '<data-model>' }), dataInProject), {
      code: 'invalid_data_model',
    });
  });
});

const goodModel = `{
  asset: {
    label: 'Asset',
    fields: {
      make: { type: 'text:name', label: 'Make', renamedFrom: 'brand' }, count: { type: 'integer' }, place: { type: 'location' },
      condition: { type: 'single-choice', options: { good: 'Good', bad: 'Bad' } }, sizes: { type: 'multiple-choice', options: [{ key: '10', label: 'Ten' }, { key: '2' }] },
      level: { type: 'single-choice-integer', options: { 1: 'One', 2: 'Two' } }, levels: { type: 'multiple-choice-integer', options: [{ key: 10 }, { key: 2, label: 'Two' }] },
    },
    belongsTo: { building: 'building', shop: { model: 'building', renamedFrom: 'store' } }, indexes: [['building'], ['make', 'count'], { on: ['make', 'shop'], name: 'by_shop' }], display: '{make}',
    webhooks: [{ type: 'update', name: 'saved', receiver: 'cloudcode', action: 'counting' }],
  },
  building: { renamedFrom: 'house', hasMany: { assets: { model: 'asset', inverseOf: 'shop' } }, belongsTo: { owner: 'person' } },
  person: { hasMany: { buildings: 'building' } },
}`;

const badModels = [
  ["{ asset: { fields: { make: { type: 'txt' } } } }", /'"txt"' is not assignable .* Did you mean '"text"'/],
  ["{ asset: { fields: { make: { type: 'integer:x' } } } }", /'"integer:x"' is not assignable/],
  [
    "{ asset: { fields: { make: { type: 'text', options: { a: 'A' } } } } }",
    /not assignable to type 'FieldDefinition'/,
  ],
  ["{ asset: { fields: { make: { type: 'single-choice' } } } }", /not assignable to type 'FieldDefinition'/],
  [
    "{ asset: { belongsTo: { home: 'bilding' } }, building: {} }",
    /'"bilding"' is not assignable .* Did you mean '"building"'/,
  ],
  [
    "{ asset: { belongsTo: { building: 'building' } }, building: { hasMany: { assets: 'assset' } } }",
    /'"assset"' is not assignable/,
  ],
  [
    "{ asset: { belongsTo: { building: 'building' } }, building: { hasMany: { assets: { model: 'asset', inverseOf: 'bilding' } } } }",
    /'"bilding"' is not assignable to type '"building"'/,
  ],
  [
    "{ asset: { fields: { make: { type: 'text' } }, indexes: [['mkae']] } }",
    /'"mkae"' is not assignable to type '"make"'/,
  ],
  [
    "{ asset: { fields: { make: { type: 'text' } }, indexes: [{ on: ['mkae'] }] } }",
    /'"mkae"' is not assignable to type '"make"'/,
  ],
  ["{ asset: { feilds: { make: { type: 'text' } } } }", /not assignable to type 'never'/],
  [
    "{ asset: { webhooks: [{ type: 'updat', name: 'x', receiver: 'cloudcode', action: 'counting' }] } }",
    /Did you mean '"update"'/,
  ],
] as const;

describe('defineDataModel is checked when the project is compiled', { concurrency: 2 }, () => {
  for (const [name, options] of ways) {
    it(`accepts a good data model, and refuses what is wrong in its place, under ${name}`, async (t) => {
      const lines = [goodModel.replaceAll('\n', ' '), ...badModels.map(([model]) => model)].map(
        (model, position) => `export const model${position} = defineDataModel(${model});\n`,
      );
      const folder = await makeProject(t, options, {
        'data-models.ts': `import { defineDataModel } from 'cloudcode';\n${lines.join('')}`,
      });
      await writeTypes(folder, dataInProject);
      const errors = await compile(folder);
      for (const [position, [model, expected]] of badModels.entries()) {
        const told = errors.filter((line) => line.startsWith(`data-models.ts(${position + 3},`));
        assert.equal(told.length, 1, `${model}\n${told.join('\n')}`);
        assert.match(told[0] ?? '', expected, model);
      }
      assert.equal(errors.length, badModels.length, errors.join('\n'));
    });
  }
});
