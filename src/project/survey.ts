import type { Metafile } from 'esbuild';

/** What a task exports, as far as its text shows without running it. */
export interface Surveyed {
  /** null when it cannot be known: a CommonJS file, or one that exports all of an npm package. */
  readonly exports: readonly string[] | null;
  /** Whether the text shows that `run` is a value but no function. */
  readonly runIsNoFunction: boolean;
  /** What `config` is, where the text shows that it is plain numbers and words; else null. */
  readonly config: Readonly<Record<string, number | string>> | null;
}

/** From a build of a task as an ES module, whose list of exports follows re-exports; npm packages stay outside of it. */
export function surveyOf(
  metafile: Metafile,
  { about, code }: { readonly about: Metafile['outputs'][string]; readonly code: string },
): Surveyed {
  const { exports, entryPoint = '' } = about;
  const open =
    metafile.inputs[entryPoint]?.format === 'cjs' || (!exports.includes('run') && /^export \* from "/m.test(code));
  return {
    exports: open ? null : exports,
    runIsNoFunction: isPlainValue(code, 'run'),
    config: exports.includes('config') ? plainObject(code, 'config') : null,
  };
}

/** Whether an exported name is, in what esbuild wrote, a variable that begins as a literal: a string, number, array, object … */
function isPlainValue(code: string, name: string): boolean {
  const variable = localName(code, name);
  return (
    variable !== null &&
    new RegExp(`^(?:var|let|const) ${variable} = (?:["'\`[{]|-?[\\d.]+|(?:true|false|null|void 0);)`, 'm').test(code)
  );
}

/** `var config = { timeoutMs: 60 * 1e3, workerStart: "spawn" };`, when nothing else in the code has to do with it. */
function plainObject(code: string, name: string): Surveyed['config'] {
  const variable = localName(code, name);
  if (variable === null || [...code.matchAll(new RegExp(`(?<![\\w$])${variable}(?![\\w$])`, 'g'))].length !== 2)
    return null;
  const fields = new RegExp(`^(?:var|let|const) ${variable} = \\{([^{}]*)\\};$`, 'm').exec(code)?.[1]?.trim();
  if (fields === undefined) return null;
  const found: Record<string, number | string> = {};
  for (const field of fields === '' ? [] : fields.split(',')) {
    const [, key = '', word, product] =
      /^\s*([A-Za-z_]\w*): (?:"(\w*)"|(-?[\d.]+(?:e\d+)?(?: \* [\d.]+(?:e\d+)?)*))$/.exec(field) ?? [];
    if (key === '') return null;
    found[key] = word ?? (product ?? '').split(' * ').reduce((total, factor) => total * Number(factor), 1);
  }
  return found;
}

/** Of an exported name, ready for a regular expression. */
function localName(code: string, name: string): string | null {
  const list = /^export \{\n([^}]*)\};\n?$/m.exec(code)?.[1] ?? '';
  const local = new RegExp(`^ {2}(?:([\\w$]+) as )?${name},?$`, 'm').exec(list);
  return local === null ? null : (local[1] ?? name).replaceAll('$', '\\$');
}
