import { keep, removeKept } from '../kept-file.ts';
import { newCommonJsExports } from './exports-of-commonjs.ts';
import {
  countModules,
  type FoundModules,
  keepModules,
  type ModuleSources,
  newlyFoundModules,
  newModuleSources,
} from './load-modules.ts';
import { loaded } from './load-packages.ts';
import { encodePack, type FoundFiles, type PackedFile } from './pack-file.ts';
import { identityOf, identityOfTree, modulesFolderOf, packagePlace, packPathOf, pathIn } from './package-place.ts';

// Taken before the task runs, which may put its own in their place.
const { readdirSync, readFileSync, statSync } = process.getBuiltinModule('node:fs');

/** A smaller text is loaded by Node in the time that it takes to find a pack. */
const minPackedLength = 96 * 1024;
const minPackedModules = 12;
/** A pack is replaced when an attempt loaded more than one file in eight from outside of it, and so often at most. */
const largestMissingShare = 1 / 8;
const maxGenerations = 8;
/** Of one bundle: for other packages, flags or versions of Node. */
const maxPacks = 6;

/** Whether this attempt has loaded so much from outside of the pack that another should be kept. */
export function hasUnkeptPackages(): boolean {
  const { pack, used, newFiles } = loaded;
  const modules = countModules();
  const missing = newFiles.size + modules.unknown;
  if (missing === 0) return false;
  if (pack !== null && pack !== undefined)
    return pack.generation < maxGenerations && missing > (missing + used + modules.known) * largestMissingShare;
  if (modules.unknown >= minPackedModules) return true;
  let length = 0;
  for (const { text } of newFiles.values()) length += text.length;
  return length >= minPackedLength;
}

/** Keeps a pack of what this attempt has loaded, and of what was in the pack before, while that has room. */
export function keepPackages(): void {
  const place = packagePlace();
  if (place === null || !hasUnkeptPackages()) return;
  const { pack } = loaded;
  const sources = sourcesToKeep();
  const modules = modulesToKeep(sources);
  keep(packPathOf(place), () =>
    encodePack({
      files: filesToKeep(),
      found: foundToKeep(),
      modules,
      sources,
      exported: new Map([...(pack?.exported ?? []), ...newCommonJsExports((url) => pathIn(url) !== null)]),
      generation: (pack?.generation ?? 0) + 1,
      tree: identityOfTree(),
    }),
  );
  keepModules(modulesFolderOf(place), modules.size);
  removeOldPacks(place.compiledFolder);
}

/** A bundle that is deployed with other packages again and again has a pack of each. */
function removeOldPacks(folder: string): void {
  try {
    const packs = readdirSync(folder)
      .filter((name) => name.endsWith('.pack'))
      .map((name) => ({ path: `${folder}/${name}`, at: statSync(`${folder}/${name}`).mtimeMs }));
    for (const { path } of packs.sort((one, other) => other.at - one.at).slice(maxPacks)) removeKept(path);
  } catch {
    // Another attempt is doing it.
  }
}

function* filesToKeep(): Iterable<PackedFile> {
  for (const [filename, { content, text, script }] of loaded.newFiles) {
    const seen = identityOf(filename);
    // What a hook has changed, or what is another file by now, is for Node to load.
    if (seen === null || readFileSync(filename, 'utf8') !== content) continue;
    yield { filename, ...seen, text, code: script.createCachedData() };
  }
  for (const file of loaded.pack?.files.values() ?? []) if (!loaded.newFiles.has(file.filename)) yield file;
}

function foundToKeep(): FoundFiles {
  const all = new Map(loaded.pack?.allFound());
  for (const [folder, found] of loaded.newlyFound) all.set(folder, new Map([...(all.get(folder) ?? []), ...found]));
  return all;
}

function sourcesToKeep(): ModuleSources {
  return new Map([...(loaded.pack?.sources ?? []), ...newModuleSources()]);
}

function modulesToKeep(sources: ModuleSources): FoundModules {
  const all = new Map(loaded.pack?.modules);
  for (const [parentUrl, found] of newlyFoundModules(sources))
    all.set(parentUrl, new Map([...(all.get(parentUrl) ?? []), ...found]));
  return all;
}
