import { readdirSync } from 'node:fs';

/** Loads what stands in a folder, under names that no bundler sees. */
export async function plugins() {
  const folder = new URL('./all/', import.meta.url);
  const loaded = await Promise.all(readdirSync(folder).sort().map((name) => import(new URL(name, folder).href)));
  return loaded.map(({ default: plugin }) => plugin());
}
