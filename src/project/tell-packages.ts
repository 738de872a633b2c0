import type { ToldPackage } from '../engine/core/carried.ts';
import type { TaskBuild } from './build-tasks.ts';
import type { ProjectConfig } from './config.ts';
import { packageName } from './packages-plugin.ts';
import type { FoundPackages } from './packages/find-packages.ts';
import { relativePath } from './relative-path.ts';

/** One line for each package that the tasks reach, for people. */
export function tellPackages(
  folder: string,
  {
    found,
    built,
    config,
  }: { readonly found: FoundPackages; readonly built: ReadonlyMap<string, TaskBuild>; readonly config: ProjectConfig },
): readonly ToldPackage[] {
  const because = new Map<string, string>();
  const say = (name: string, reason: string): void => {
    if (!because.has(name)) because.set(name, reason);
  };
  const inside = new Map<string, string>();
  for (const [file, { parts }] of built) {
    for (const { path, importer } of parts.imports)
      say(packageName(path), `${relativePath(folder, importer)} imports it`);
    for (const { name, importer } of parts.linked) say(name, `${relativePath(folder, importer)} imports it`);
    for (const { name, importer } of parts.named) say(name, `${relativePath(folder, importer)} names it`);
    for (const path of parts.inputs)
      if (path.includes('/node_modules/'))
        inside.set(packageName(path), `${file} imports it, and Node could not load it as it is or \`bundle\` names it`);
  }
  const plain = new Set([
    ...(config.external ?? []),
    ...[...built.values()].flatMap((one) => one.config.external ?? []),
  ]);
  const outside = found.folders.map(({ name, files }): ToldPackage => {
    const bare = name.replace(/(?<=.)@[^@]*$/, '');
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    if (found.linked.has(name))
      return { package: name, how: 'linked', because: because.get(bare) ?? 'code of the tasks lies in it', bytes };
    const reason =
      because.get(bare) ?? (found.neededBy.has(name) ? `${found.neededBy.get(name)} needs it` : 'a task imports it');
    return {
      package: name,
      how: plain.has(bare) ? 'plain' : 'outside',
      because: plain.has(bare) ? '`external` names it' : reason,
      bytes,
    };
  });
  return [
    ...outside,
    ...[...inside].map(([name, reason]): ToldPackage => ({
      package: name,
      how: 'bundled',
      because: reason,
      bytes: null,
    })),
  ].toSorted((left, right) => (left.package < right.package ? -1 : 1));
}
