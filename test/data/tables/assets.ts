import { model, type TestTables } from './open-tables.ts';

export const small = model('asset', { make: 'text', count: 'integer' });
export const large = model(
  'asset',
  { make: 'text', count: 'number', at: 'datetime', place: 'location' },
  { belongsTo: ['building'], indexes: [['make'], ['count', 'at'], ['building']] },
);

export async function fill({ sql }: TestTables, rows: number): Promise<void> {
  await sql(
    `insert into cloudcode_testing.asset (id, make, count) select gen_random_uuid(), 'make ' || i, i from generate_series(1, ${rows}) i`,
  );
}
