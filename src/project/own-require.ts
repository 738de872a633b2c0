import type { PluginBuild } from 'esbuild';

/** What a bundle calls the `require` of the file at hand: no name of anybody's. */
export const ownRequire = '__cloudcode_require';

/** `require` that is not called with one string, in a line that is not all comment. */
const mayBeIndirect = /^(?![\t ]*(?:\/\/|\/?\*)).*\brequire\b(?!\s*\(\s*(["'])(?:\\.|(?!\1)[^\\\n])*\1\s*\))/m;
const calls = new RegExp(`\\b${ownRequire}\\(`, 'g');
const oneString = '(?:"(?:\\\\.|[^"\\\\])*"|\'(?:\\\\.|[^\'\\\\])*\'|`(?:\\\\.|[^`\\\\$])*`)';
/** One string, or one of several: esbuild finds what they name. */
const named = new RegExp(`^(?:[^]*\\? [^]*: )?${oneString}$`);
/** All files that it may be: esbuild finds them, too. */
const wildcard = /^["'`]\.{1,2}\//;
const part = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[()]|[^"'`()]+/y;

/**
 * Gives `require` another name wherever esbuild does not see through it: called with an expression, passed on, `require.resolve` (which in an ES module it does not know). A bundle has one `require`, which looks from the bundle's
 * own place, and these must look from the file's.
 * @returns JavaScript with a source map in it; null for a file that needs none of that, and for one that cannot be read
 */
export async function nameOwnRequire(
  { esbuild, initialOptions }: PluginBuild,
  path: string,
  contents: string,
): Promise<string | null> {
  if (!mayBeIndirect.test(contents)) return null;
  const { absWorkingDir = '/', platform = 'node', charset = 'utf8' } = initialOptions;
  try {
    const { outputFiles } = await esbuild.build({
      absWorkingDir,
      platform,
      charset,
      entryPoints: [path],
      outdir: '/',
      write: false,
      bundle: false,
      logLevel: 'silent',
      sourcemap: 'inline',
      sourcesContent: false,
      define: { require: ownRequire },
    });
    const code = withFoundCalls(outputFiles[0]?.text ?? '');
    return code.includes(ownRequire) ? code : null;
  } catch {
    return null; // what is wrong with it esbuild says when it bundles it
  }
}

/** Leaves to esbuild the calls that it finds files for. */
function withFoundCalls(code: string): string {
  return code.replace(calls, (call, at: number) => {
    const argument = argumentAt(code, at + call.length);
    return argument === null || named.test(argument) || wildcard.test(argument) ? 'require(' : call;
  });
}

/** The text up to the parenthesis that closes; null where that cannot be told. */
function argumentAt(code: string, start: number): string | null {
  let depth = 1;
  for (part.lastIndex = start; ;) {
    const [text] = part.exec(code) ?? [];
    if (text === undefined) return null;
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (depth === 0) return code.slice(start, part.lastIndex - 1);
  }
}
