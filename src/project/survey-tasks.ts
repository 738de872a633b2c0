import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { sharedOptions, tryBuild } from './bundle.ts';
import type { FoundTask } from './find-project.ts';

/** What a task exports, as far as its text shows without running it. */
export interface Surveyed {
  /** null when it cannot be known: a CommonJS file, or one that exports all of an npm package. */
  readonly exports: readonly string[] | null;
  /** Whether the text shows that `run` is a value but no function. */
  readonly runIsNoFunction: boolean;
}

/**
 * Looks at what each task exports, by file. One build of the project's own sources as ES modules, whose list of exports follows
 * re-exports; npm packages stay outside. The tasks must be ones that can be bundled.
 */
export async function surveyTasks(folder: string, tasks: readonly FoundTask[]): Promise<ReadonlyMap<string, Surveyed>> {
  const { outfile: _outfile, ...shared } = sharedOptions(folder);
  const built = await tryBuild({
    ...shared, format: 'esm', metafile: true, packages: 'external', outdir: join(folder, 'survey'),
    entryPoints: tasks.map(({ file }, position) => ({ in: join(folder, file), out: String(position) })),
  });
  if (Array.isArray(built) || built.metafile === undefined) return new Map();
  const { metafile, outputFiles = [] } = built;
  return new Map(
    tasks.map(({ file }, position) => {
      const code = outputFiles.find(({ path }) => path === join(folder, 'survey', `${position}.js`))?.text ?? '';
      return [file, surveyOf(metafile, { file, code, output: `survey/${position}.js` })];
    }),
  );
}

function surveyOf(metafile: Metafile, { file, code, output }: { readonly file: string; readonly code: string; readonly output: string }): Surveyed {
  const exports = metafile.outputs[output]?.exports ?? [];
  const open = metafile.inputs[file]?.format === 'cjs' || (!exports.includes('run') && /^export \* from "/m.test(code));
  return { exports: open ? null : exports, runIsNoFunction: isPlainValue(code, 'run') };
}

/** Whether an exported name is, in what esbuild wrote, a variable that begins as a literal: a string, number, array, object … */
function isPlainValue(code: string, name: string): boolean {
  const list = /^export \{\n([^}]*)\};\n?$/m.exec(code)?.[1] ?? '';
  const local = new RegExp(`^ {2}(?:([\\w$]+) as )?${name},?$`, 'm').exec(list);
  if (local === null) return false;
  const variable = (local[1] ?? name).replaceAll('$', '\\$');
  return new RegExp(`^(?:var|let|const) ${variable} = (?:["'\`[{]|-?[\\d.]+|(?:true|false|null|void 0);)`, 'm').test(code);
}
