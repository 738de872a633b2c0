import type { TestDb } from './open-db.ts';

export async function saved(
  t: TestDb,
  attributes: Readonly<Record<string, unknown>>,
): Promise<ReturnType<TestDb['DB']['asset']['create']>> {
  const asset = t.DB.asset.create(attributes);
  await asset.save();
  return asset;
}
