import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dataInProject } from '../../../src/data/source/project-extension.ts';
import { deployable } from '../../../src/main/deployable.ts';
import { deployProject } from '../../../src/engine/operations/deploy-project.ts';
import { buildProject } from '../../../src/project/build-project.ts';
import { startRuntime, writeProject } from '../../support/runtime.ts';

const schema = `<data-model>
  <model name="asset" label="Asset">
    <field name="make" label="Make" type="text:name"/>
    <field name="count" label="Count" type="integer"/>
    <field name="bought" label="Bought" type="date"/>
    <field name="manual" label="Manual" type="attachment"/>
    <field name="condition" label="Condition" type="single-choice"><option key="good">Good</option><option key="bad">Bad</option></field>
    <belongs-to model="building"/>
  </model>
  <model name="building" label="Building">
    <field name="name" label="Name" type="text:name"/>
    <has-many model="asset" name="assets"/>
  </model>
</data-model>`;

describe('DB in a task', () => {
  it('keeps what a run knows for the next, which gets its id', async () => {
    await using runtime = await startRuntime({
      'schema.xml': schema,
      begin: `import { Attachment, CloudCode, DB, Day } from 'cloudcode';
        export async function run() {
          const building = DB.building.create({ name: 'Zoë 🐘' });
          const asset = DB.asset.create({ building, bought: new Day(2026, 3, 1), manual: new Attachment({ data: 'read me' }) });
          const batch = new DB.Batch();
          batch.save(building);
          batch.save(asset);
          batch.scheduleTask({ task: 'go_on', parameters: { id: asset.id } });
          const { scheduled } = await batch.execute();
          console.log(asset);
          return scheduled[0].id;
        }`,
      go_on: `export async function run({ id }) {
          const asset = await DB.asset.where('id = ?', id).include('building').first();
          const building = await asset.building();
          return { name: building.name, day: asset.bought, isDay: asset.bought instanceof Day, text: await asset.manual.text(), count: await building.assets.count(), asset };
        }`,
    });
    const begun = await runtime.run('begin');
    assert.equal(begun.state, 'succeeded', JSON.stringify(begun.error));
    const { result } = await runtime.ended(String(begun.result));
    const { asset, ...others } = result as { readonly asset: Record<string, unknown> };
    assert.deepEqual(others, { name: 'Zoë 🐘', day: '2026-03-01', isDay: true, text: 'read me', count: 1 });
    assert.deepEqual(asset['manual'], { filename: null, contentType: 'text/plain; charset=utf-8', size: 7 });
    assert.match((await runtime.messages(begun)).join('\n'), /^asset \{\n {2}id: '/);
  });

  it('loses no count of runs that work at the same time, by increment or by save({ ifUnchanged: true }) and another try', async () => {
    await using runtime = await startRuntime(
      {
        'schema.xml': schema,
        begin: `export async function run() { const asset = DB.asset.create(); await asset.save(); return asset.id; }`,
        increments: `export async function run({ id }) { for (let time = 0; time < 50; time += 1) await DB.asset.increment(id, { count: 1 }); }`,
        saves: `export async function run({ id }) {
          const asset = await DB.asset.first(id);
          for (let saved = 0; saved < 20; ) {
            asset.count = (asset.count ?? 0) + 1;
            try {
              await asset.save({ ifUnchanged: true });
              saved += 1;
            } catch (error) {
              if (error.code !== 'object_changed') throw error;
              await asset.reload();
            }
          }
        }`,
        count: `export async function run({ id }) { return (await DB.asset.first(id)).count; }`,
      },
      { concurrency: 4 },
    );
    for (const [task, count] of [
      ['increments', 200],
      ['saves', 80],
    ] as const) {
      const parameters = { id: String((await runtime.run('begin')).result) };
      const ids = await Promise.all([1, 2, 3, 4].map(() => runtime.schedule(task, { parameters })));
      for (const id of ids) assert.equal((await runtime.ended(id, 60_000)).state, 'succeeded');
      assert.equal((await runtime.ended(await runtime.schedule('count', { parameters }))).result, count);
    }
  });

  it('carries out what was not awaited, before the run counts as over', async () => {
    await using runtime = await startRuntime({
      'schema.xml': schema,
      careless: `export async function run() {
          for (let count = 0; count < 50; count += 1) DB.asset.create({ count }).save();
          const batch = new DB.Batch();
          batch.save(DB.asset.create({ count: 50 }));
          batch.execute();
        }`,
      wrong: `export const config = { maxAttempts: 1 };
        export async function run() {
          const asset = DB.asset.create({ count: 1 });
          await asset.save();
          await DB.asset.all().destroyAll();
          asset.count = 2;
          asset.save();
        }`,
      count: `export const run = () => DB.asset.all().count();`,
    });
    assert.equal((await runtime.run('careless')).state, 'succeeded');
    assert.equal((await runtime.run('count')).result, 51);
    const refused = await runtime.run('wrong');
    assert.equal(refused.state, 'dead');
    assert.match(refused.error?.message ?? '', /destroyed elsewhere/);
  });

  it('fails a run with the message and the line of the task', async () => {
    await using runtime = await startRuntime({
      'schema.xml': schema,
      misspelt: `export async function run() {\n  const asset = DB.asset.create();\n  asset.conditoin = 'good';\n}`,
      wrong: `export async function run() {\n  const asset = DB.asset.create();\n  asset.condition = 'goood';\n}`,
      refused: `export async function run() {\n  await DB.asset.where('make = Nokia').toArray();\n}`,
      gone: `export async function run() {\n  const asset = DB.asset.create();\n  await asset.save();\n  await DB.asset.all().destroyAll();\n  asset.count = 2;\n  await asset.save();\n}`,
      model: `export async function run() {\n  await DB.asst.first();\n}`,
      day: `export async function run() {\n  const asset = DB.asset.create();\n  asset.count = Day.today();\n}`,
      file: `export async function run() {\n  const asset = DB.asset.create();\n  asset.bought = new Attachment({ data: '' });\n}`,
      parameter: `export async function run() {\n  const query = DB.asset.all();\n  await CloudCode.scheduleTask({ task: 'model', parameters: query });\n}`,
    });
    const expected: readonly (readonly [string, RegExp, number])[] = [
      ['misspelt', /no field `conditoin`\. Did you mean `condition`\?/, 3],
      ['wrong', /asset\.condition: "goood" is no choice\. Did you mean "good"\?/, 3],
      ['refused', /make = Nokia\n +\^/, 2],
      ['gone', /asset .* is not there any more: it was destroyed elsewhere/, 6],
      ['model', /no model `asst`\. Did you mean DB\.asset\?/, 2],
      ['day', /asset\.count: a Day is no number\./, 3],
      ['file', /asset\.bought: an Attachment is no Day\./, 3],
      ['parameter', /this is a Query\./, 3],
    ];
    for (const [task, message, line] of expected) {
      const run = await runtime.run(task);
      assert.equal(run.state, 'failed');
      assert.match(run.error?.message ?? '', message);
      assert.match(run.error?.stack ?? '', new RegExp(`${task}/index\\.ts:${line}:`), task);
    }
  });

  it('goes through many objects with the memory of a page', { timeout: 180_000 }, async () => {
    await using runtime = await startRuntime({
      'schema.xml': schema,
      fill: `export async function run() {
          for (let start = 0; start < 100_000; start += 20_000) {
            const batch = new DB.Batch();
            for (let count = start; count < start + 20_000; count += 1) batch.save(DB.asset.create({ count, make: 'x'.repeat(500) }));
            await batch.execute();
          }
        }`,
      walk: `import { setFlagsFromString } from 'node:v8';
        import { runInNewContext } from 'node:vm';
        export async function run() {
          setFlagsFromString('--expose-gc');
          const collect = runInNewContext('gc');
          let seen = 0;
          let most = 0;
          let first = 0;
          for await (const asset of DB.asset.all().orderBy('count')) {
            if (asset.count !== seen) throw new Error(asset.count + ' after ' + seen);
            seen += 1;
            if (seen % 10_000 !== 0) continue;
            collect();
            const { heapUsed } = process.memoryUsage();
            first ||= heapUsed;
            most = Math.max(most, heapUsed);
          }
          return { seen, grown: most - first };
        }`,
    });
    assert.equal((await runtime.ended(await runtime.schedule('fill'), 120_000)).state, 'succeeded');
    const walked = await runtime.ended(await runtime.schedule('walk'), 120_000);
    const { seen, grown } = walked.result as { readonly seen: number; readonly grown: number };
    assert.equal(seen, 100_000);
    assert.ok(grown < 5 * 1024 * 1024, `the heap grew by ${grown} bytes`);
  });

  it('finds what a deployment has renamed under an attempt in the next one, which has the new names', async () => {
    const files = (field: string, schemaOfField: string) => ({
      'schema.xml': `<data-model><model name="thing"><field ${schemaOfField} type="text"/></model></data-model>`,
      uses: `import { existsSync } from 'node:fs';
        export async function run({ file }) {
          await DB.thing.create({ ${field}: 'attempt ' + CloudCode.run.attempt }).save();
          console.log('begun');
          while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
          const found = [];
          for await (const thing of DB.thing.all().orderBy('${field}')) found.push(thing.${field});
          return found;
        }`,
    });
    await using runtime = await startRuntime(files('name', 'name="name"'));
    const file = join(runtime.folder, 'go on');
    const run = await runtime.schedule('uses', { parameters: { file } });
    await runtime.printed(run, 'begun');
    const renamed = writeProject(files('title', 'name="title" renamed-from="name"'));
    await deployProject(
      runtime.store,
      'testing',
      deployable(await buildProject(renamed, { extension: dataInProject })),
    );
    rmSync(renamed, { recursive: true, force: true });
    writeFileSync(file, '');
    const { state, result, attempts } = await runtime.ended(run);
    assert.deepEqual(
      [state, result, attempts.map(({ outcome }) => outcome)],
      ['succeeded', ['attempt 1', 'attempt 2'], ['lost', 'returned']],
    );
    assert.match(
      attempts[0]?.error?.message ?? '',
      /tables have changed since this attempt began: .*A deployment has renamed it\. The next attempt has the new data model\./,
    );
  });

  it('does not write into what is new under a former name: the attempt that knew the former is lost, and the next one has both', async () => {
    const files = (members: string, code: string) => ({
      'schema.xml': `<data-model><model name="thing">${members}</model></data-model>`,
      uses: `import { existsSync } from 'node:fs';
        export async function run({ file }) {
          const thing = (await DB.thing.first()) ?? DB.thing.create({});
          await thing.save();
          console.log('begun');
          while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
          ${code}
        }`,
      schedules: `import { existsSync } from 'node:fs';
        export async function run({ file }) {
          console.log('begun');
          while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
          return typeof (await CloudCode.scheduleTask({ task: 'schedules', parameters: { file } })).id;
        }`,
    });
    const versions = [
      files('<field name="name" type="text"/>', "thing.name = 'former'; await thing.save(); return 'written';"),
      files('<field name="title" renamed-from="name" type="text"/>', "return 'unused';"),
      files(
        '<field name="title" type="text"/><field name="name" type="text"/>',
        'return [thing.title, thing.name, await DB.thing.all().count()];',
      ),
    ] as const;
    await using runtime = await startRuntime(versions[0]);
    const file = join(runtime.folder, 'go on');
    const runs = [
      await runtime.schedule('uses', { parameters: { file } }),
      await runtime.schedule('schedules', { parameters: { file } }),
    ] as const;
    for (const run of runs) await runtime.printed(run, 'begun');
    for (const version of versions.slice(1)) {
      const folder = writeProject(version);
      await deployProject(
        runtime.store,
        'testing',
        deployable(await buildProject(folder, { extension: dataInProject })),
      );
      rmSync(folder, { recursive: true, force: true });
    }
    writeFileSync(file, '');
    const { state, result, attempts } = await runtime.ended(runs[0]);
    assert.deepEqual(
      [state, result, attempts.map(({ outcome }) => outcome)],
      ['succeeded', [null, null, 1], ['lost', 'returned']],
    );
    assert.match(attempts[0]?.error?.message ?? '', /tables have changed since this attempt began/);
    const other = await runtime.ended(runs[1]);
    assert.deepEqual([other.result, other.attempts.length], ['string', 1], 'who uses no data goes on');
  });
});
