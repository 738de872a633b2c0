import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** What decides how decorators and fields of classes are compiled. */
export interface CompilerOptions {
  readonly target?: unknown;
  readonly useDefineForClassFields?: unknown;
  readonly experimentalDecorators?: unknown;
  readonly emitDecoratorMetadata?: unknown;
}

/** The options that count for the source files of a folder: those of the nearest tsconfig.json and what that extends. One that cannot be read has none: what is wrong with it is for the build to say. */
export async function compilerOptionsFor(folder: string): Promise<CompilerOptions> {
  for (let holder = folder; ; holder = dirname(holder)) {
    for (const name of ['tsconfig.json', 'jsconfig.json']) {
      const text = await readFile(join(holder, name), 'utf8').catch(() => null);
      if (text !== null) return optionsOf(join(holder, name), text, new Set());
    }
    if (dirname(holder) === holder) return {};
  }
}

async function optionsOf(file: string, text: string, seen: Set<string>): Promise<CompilerOptions> {
  if (seen.has(file)) return {};
  seen.add(file);
  const inherited: CompilerOptions[] = [];
  for (const spellings of basesIn(file, text)) {
    for (const base of spellings) {
      const found = await readFile(base, 'utf8').catch(() => null);
      if (found === null) continue;
      inherited.push(await optionsOf(base, found, seen));
      break;
    }
  }
  return Object.assign({}, ...inherited, parse(text).compilerOptions) as CompilerOptions;
}

/** JSON with comments, and commas before what closes. */
function parse(text: string): { readonly compilerOptions?: CompilerOptions } {
  const string = String.raw`("(?:\\.|[^"\\])*")`;
  const withoutComments = text
    .replace(/^\uFEFF/, '')
    .replaceAll(new RegExp(String.raw`${string}|//.*|/\*[^]*?\*/`, 'g'), '$1');
  try {
    return JSON.parse(
      withoutComments.replaceAll(new RegExp(String.raw`${string}|,(?=\s*[}\]])`, 'g'), '$1'),
    ) as ReturnType<typeof parse>;
  } catch {
    return {};
  }
}

/** What a tsconfig.json extends, each in the spellings that it may have on the disk. A file that cannot be read extends nothing. */
export async function basesOf(file: string): Promise<readonly string[]> {
  return basesIn(file, await readFile(file, 'utf8').catch(() => '')).flat();
}

function basesIn(file: string, text: string): readonly (readonly string[])[] {
  const [, given = ''] = /"extends"\s*:\s*("[^"]*"|\[[^\]]*\])/.exec(text) ?? [];
  return [...given.matchAll(/"([^"]*)"/g)].map(([, name = '']) => baseOf(file, name));
}

function baseOf(file: string, name: string): readonly string[] {
  if (/^\.{0,2}[\\/]|^\.{1,2}$/.test(name)) {
    const path = resolve(dirname(file), name);
    return path.endsWith('.json') ? [path] : [`${path}.json`, join(path, 'tsconfig.json')];
  }
  const require = createRequire(file);
  for (const candidate of [name, `${name}.json`, `${name}/tsconfig.json`]) {
    try {
      return [require.resolve(candidate)];
    } catch {
      // Another spelling, or a package that is not installed.
    }
  }
  return [];
}
