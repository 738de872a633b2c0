import pg from 'pg';
import { openFolderStore } from '../src/main/open-store.ts';
import type { BenchOptions, Figure } from './measurement.ts';
import { median } from './statistics.ts';
import { startSystem, type System } from './system.ts';

const schema = `<data-model>
  <model name="asset" label="Asset">
    <field name="make" label="Make" type="text:name"/>
    <field name="model" label="Model" type="text:name"/>
    <field name="serial" label="Serial" type="text"/>
    <field name="seats" label="Seats" type="integer"/>
    <field name="price" label="Price" type="number"/>
    <field name="active" label="Active" type="boolean"/>
    <field name="bought" label="Bought" type="datetime"/>
    <field name="condition" label="Condition" type="single-choice">
      <option key="good">Good</option>
      <option key="bad">Bad</option>
    </field>
  </model>
</data-model>
`;

const objects = 1000;

// Each piece of work is timed inside the task: what a task waits for is what counts. Both sides do a quarter of it first, so that their code is warm.
const fill = `export async function run() {
  const batch = new DB.Batch();
  for (let number = 0; number < ${objects}; number += 1) {
    batch.save(DB.asset.create({ make: 'Make ' + (number % 17), model: 'Model ' + number, serial: 'S-' + number, seats: number % 9, price: number / 7, active: number % 2 === 0, bought: new Date(1.6e12 + number * 1e6), condition: 'good' }));
  }
  await batch.execute();
}
`;
const work = `export async function run({ kind, count }) {
  const all = await DB.asset.all().limit(${objects}).toArray();
  const pieces = {
    first: async (number) => DB.asset.first(all[number % all.length].id),
    list: async () => { for (const asset of await DB.asset.all().limit(${objects}).toArray()) if (asset.model === '') throw new Error('no model'); },
    save: async (number) => { const asset = all[number % all.length]; asset.seats = (asset.seats + 1) % 1000; await asset.save(); },
    batch: async () => { const batch = new DB.Batch(); for (const asset of all) { asset.seats = (asset.seats + 1) % 1000; batch.save(asset); } await batch.execute(); },
  };
  const times = async (count) => { for (let number = 0; number < count; number += 1) await pieces[kind](number); };
  await times(Math.ceil(count / 4));
  const began = performance.now();
  await times(count);
  return { ms: performance.now() - began };
}
`;
const memory = `import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
export async function run({ count }) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const [asset] = await DB.asset.all().limit(1).toArray();
  const used = async (calls) => { for (let call = 0; call < calls; call += 1) await DB.asset.first(asset.id); collect(); return process.memoryUsage().heapUsed; };
  await used(500);
  const before = await used(500);
  return { grownBytes: (await used(count)) - before };
}
`;

interface Piece {
  readonly kind: 'first' | 'list' | 'save' | 'batch';
  readonly count: number;
  readonly atMost: number;
  readonly byDriver: (client: pg.Client, ids: readonly string[], count: number) => Promise<void>;
}

const columns = 'id, make, model, serial, seats, price, active, bought, condition';
const table = 'cloudcode_testing.asset';
const pieces: readonly Piece[] = [
  {
    kind: 'first',
    count: 1000,
    atMost: 1.6,
    async byDriver(client, ids, count) {
      for (let number = 0; number < count; number += 1) {
        await client.query({
          name: 'first',
          text: `select ${columns} from ${table} where id = $1`,
          values: [ids[number % ids.length]],
        });
      }
    },
  },
  {
    kind: 'save',
    count: 1000,
    atMost: 1.6,
    async byDriver(client, ids, count) {
      for (let number = 0; number < count; number += 1) {
        await client.query({
          name: 'save',
          text: `update ${table} set seats = $2 where id = $1`,
          values: [ids[number % ids.length], number % 1000],
        });
      }
    },
  },
  {
    kind: 'list',
    count: 200,
    atMost: 1.3,
    async byDriver(client, _ids, count) {
      for (let number = 0; number < count; number += 1) {
        const { rows } = await client.query<{ model: string }>({
          name: 'list',
          text: `select ${columns} from ${table} order by id limit ${objects}`,
        });
        for (const row of rows) if (row.model === '') throw new Error('no model');
      }
    },
  },
  {
    kind: 'batch',
    count: 40,
    atMost: 1.3,
    async byDriver(client, ids, count) {
      for (let number = 0; number < count; number += 1) {
        await client.query('begin');
        const rows = JSON.stringify(ids.map((id) => ({ id, seats: number })));
        const text = `update ${table} t set seats = r.seats from json_to_recordset($1::json) as r (id uuid, seats integer) where t.id = r.id`;
        await client.query({ name: 'batch', text, values: [rows] });
        await client.query('commit');
      }
    },
  },
];

/**
 * What a task's DB costs beside the `pg` driver with the same statements on the same server. The two take turns, and each round gives one ratio.
 */
export async function measureData({ quick, parallelism }: BenchOptions): Promise<readonly Figure[]> {
  const rounds = quick ? 2 : 9;
  await using system = await startSystem({ 'schema.xml': schema, fill, work, memory }, { concurrency: parallelism });
  const { store, close } = await openFolderStore({ folder: system.folder });
  const client = new pg.Client(store.url);
  try {
    await client.connect();
    await runTask(system, 'fill', {});
    const { rows } = await client.query<{ id: string }>(`select id from ${table} order by id`);
    const ids = rows.map(({ id }) => id);
    const figures: Figure[] = [];
    for (const piece of pieces)
      figures.push(...(await measurePiece(system, piece, { client, ids, rounds, share: quick ? 0.1 : 1 })));
    const { grownBytes } = (await runTask(system, 'memory', { count: quick ? 1000 : 10_000 })) as {
      grownBytes: number;
    };
    return [
      ...figures,
      { name: 'heap_growth_over_10000_calls', value: grownBytes / 1024, unit: 'KiB', goal: { atMost: 256 } },
    ];
  } finally {
    await client.end();
    await close();
  }
}

interface Setting {
  readonly client: pg.Client;
  readonly ids: readonly string[];
  readonly rounds: number;
  readonly share: number;
}

async function measurePiece(
  system: System,
  piece: Piece,
  { client, ids, rounds, share }: Setting,
): Promise<readonly Figure[]> {
  const count = Math.max(2, Math.round(piece.count * share));
  const task: number[] = [];
  const driver: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    task.push(((await runTask(system, 'work', { kind: piece.kind, count })) as { ms: number }).ms / count);
    await piece.byDriver(client, ids, Math.ceil(count / 4));
    const began = performance.now();
    await piece.byDriver(client, ids, count);
    driver.push((performance.now() - began) / count);
  }
  return [
    { name: `${piece.kind}_in_task`, value: median(task), unit: 'ms' },
    { name: `${piece.kind}_by_driver`, value: median(driver), unit: 'ms' },
    {
      name: `${piece.kind}_ratio`,
      value: median(task.map((ms, round) => ms / (driver[round] ?? Number.NaN))),
      unit: '',
      goal: { atMost: piece.atMost },
    },
  ];
}

/** The result of one run. */
async function runTask(system: System, task: string, parameters: object): Promise<unknown> {
  const { id } = (await system.request('POST', '/runs', { task, parameters })) as { id: string };
  for (const end = performance.now() + 120_000; performance.now() < end;) {
    const run = (await system.request('GET', `/runs/${id}`)) as { state: string; result: unknown; error: unknown };
    if (run.state === 'succeeded') return run.result;
    if (['failed', 'dead', 'cancelled'].includes(run.state))
      throw new Error(`${task} is ${run.state}: ${JSON.stringify(run.error)}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${task} did not end within 120 s.`);
}
