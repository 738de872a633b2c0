import { join } from 'node:path';
import type { Message } from 'esbuild';
import { findAwaiting } from './awaiting-packages.ts';
import { buildEntries, type BuiltEntries, type EntriesAsked, reachedFrom } from './build-entries.ts';
import type { NamedPackage, PackageImport, PackagesOptions } from './packages-plugin.ts';
import { type Surveyed, surveyOf } from './survey.ts';

/** What an entry exports and imports. */
export interface SeenEntry {
  readonly surveyed: Surveyed;
  readonly imports: readonly PackageImport[];
  /** Native add-ons of the project's own: absolute. */
  readonly addons: readonly string[];
  /** Names by which it imports what lies in no `node_modules`. */
  readonly linked: readonly NamedPackage[];
}

/** What is seen of an entry before it is bundled. */
export interface Looked extends SeenEntry {
  /** The files that it is made of: absolute. */
  readonly inputs: ReadonlySet<string>;
  /** Whether a package that it imports cannot be loaded by `require`. */
  readonly awaits: boolean;
}

type Asked = Pick<EntriesAsked, 'folder' | 'bundled' | 'kinds' | 'files'>;

/** Looks at all entries in one build, in which what several of them share is linked once, however many they are. @returns in the order of the files */
export async function surveyEntries(asked: Asked): Promise<readonly Looked[] | readonly Message[]> {
  const { folder, files, kinds } = asked;
  const entries = files.map((file) => join(folder, file));
  const imports: PackageImport[] = [];
  const addons: { readonly path: string; readonly importer: string }[] = [];
  const linked: NamedPackage[] = [];
  const survey = await buildEntries({
    ...asked,
    entries,
    format: 'esm',
    isSurvey: true,
    onImport: (found) => imports.push(found),
    onAddon: (found) => addons.push(found),
    onLinked: (found) => linked.push(found),
  });
  if (!('outputs' in survey)) return survey;
  const awaiting = await findAwaiting(folder, await esmOf(kinds, imports));
  return Promise.all(
    survey.outputs.map(async ({ about, code }, position) => {
      const inputs = reachedFrom(folder, survey.metafile, about.entryPoint ?? '');
      const from = <Found extends { readonly importer: string }>(all: readonly Found[]): readonly Found[] =>
        all.filter(({ importer }) => inputs.has(importer));
      const own = from(imports).flatMap((found) =>
        found.isByName ? [found, { ...found, importer: entries[position] ?? '' }] : [found],
      );
      const isCommonJs = survey.metafile.inputs[about.entryPoint ?? '']?.format === 'cjs';
      const alone = isCommonJs ? null : await surveyAlone(asked, files[position] ?? '', { about, code });
      return {
        surveyed: alone ?? surveyOf(survey.metafile, { about, code }),
        inputs,
        imports: own,
        linked: from(linked),
        addons: [...new Set(from(addons).map(({ path }) => path))],
        awaits: own.some(({ path, isStatic }) => isStatic && awaiting.has(path)),
      };
    }),
  );
}

/** Of an entry that gets `run` or `config`, or it cannot be seen from where, from what it shares with others: its text shows only with that what they are. */
async function surveyAlone(
  asked: Asked,
  file: string,
  { about: { exports }, code }: Pick<BuiltEntries['outputs'][number], 'about' | 'code'>,
): Promise<Surveyed | null> {
  const shared = [...code.matchAll(/^import \{([^}]*)\} from "\.\/[^"]*";$/gm)].map(([, names = '']) => names).join();
  const isOwn = (name: string): boolean => {
    const [, local = name] = new RegExp(`^ {2}(?:([\\w$]+) as )?${name},?$`, 'm').exec(code) ?? [];
    return !shared.split(/[\s,]+/).includes(local);
  };
  if (asked.files.length === 1 || (exports.includes('run') && isOwn('run') && isOwn('config'))) return null;
  const alone = await buildEntries({ ...asked, files: [file], format: 'esm', isSurvey: true });
  const [output] = 'outputs' in alone ? alone.outputs : [];
  return output === undefined || !('metafile' in alone) ? null : surveyOf(alone.metafile, output);
}

async function esmOf(kinds: PackagesOptions['kinds'], imports: readonly PackageImport[]): Promise<readonly string[]> {
  const paths = [...new Set(imports.filter(({ isStatic }) => isStatic).map(({ path }) => path))];
  const isEsm = await Promise.all(paths.map((path) => kinds.isEsm(path)));
  return paths.filter((_path, position) => isEsm[position]);
}
