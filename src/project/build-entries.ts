import { join } from 'node:path';
import type { Message, Metafile } from 'esbuild';
import { readableOptions, requireFrom, sharedOptions, sourcePlugins, tryBuild } from './bundle.ts';
import type { PackagesOptions } from './packages-plugin.ts';

export interface EntriesAsked extends Omit<PackagesOptions, 'toFolder'> {
  /** Relative to the project's folder, all at the same depth. */
  readonly files: readonly string[];
}

export interface BuiltEntries {
  readonly metafile: Metafile;
  /** In the order of the files. */
  readonly outputs: readonly {
    readonly code: string;
    readonly sourceMap: string;
    readonly about: Metafile['outputs'][string];
  }[];
}

/** One build of several entries: a file that they share is read and parsed once, and each output holds all that its entry needs. */
export async function buildEntries({ files, ...options }: EntriesAsked): Promise<BuiltEntries | readonly Message[]> {
  const { folder, format, isSurvey = false } = options;
  const toFolder = '../'.repeat((files[0] ?? '').split('/').length - 1);
  const built = await tryBuild({
    ...sharedOptions(folder),
    ...readableOptions,
    format,
    // What several share is linked once; nobody runs it, so the order in which it would run does not matter.
    ...(isSurvey ? { splitting: files.length > 1, sourcemap: false } : {}),
    outdir: folder,
    // In the project's folder, which the paths of its source map are relative to.
    entryPoints: files.map((file, position) => ({ in: join(folder, file), out: `.bundle-${position}` })),
    ...(format === 'esm' ? { banner: { js: requireFrom('import.meta.url') } } : {}),
    plugins: sourcePlugins({ ...options, toFolder }),
  });
  if (Array.isArray(built)) return built;
  const { metafile = { inputs: {}, outputs: {} }, outputFiles = [] } = built;
  const texts = new Map(outputFiles.map((file) => [file.path, file.text]));
  const outputs = files.map((_file, position) => {
    const about = metafile.outputs[`.bundle-${position}.js`];
    if (about === undefined) throw new Error(`esbuild gave no output for ${files[position]}.`);
    const path = join(folder, `.bundle-${position}.js`);
    return { code: texts.get(path) ?? '', sourceMap: texts.get(`${path}.map`) ?? '', about };
  });
  return { metafile, outputs };
}

/** The files that an entry is made of, absolute, itself included. @param entryPoint as the metafile has it */
export function reachedFrom(folder: string, { inputs }: Metafile, entryPoint: string): ReadonlySet<string> {
  const reached = new Set([entryPoint]);
  for (const input of reached) {
    for (const { path } of inputs[input]?.imports ?? []) if (path in inputs) reached.add(path);
  }
  return new Set([...reached].filter((input) => !/^[\w-]+:/.test(input)).map((input) => join(folder, input)));
}
