import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, extname } from 'node:path';
import type { OnLoadResult, Plugin, PluginBuild } from 'esbuild';
import type * as TypeScript from 'typescript';
import { atStep } from './build-steps.ts';
import { importTypesLoosely } from './metadata-imports.ts';
import { relativePath } from './relative-path.ts';
import { type CompilerOptions, compilerOptionsFor } from './tsconfig.ts';

/** Makes a compiled file an input of the bundle, as the other plugins would make the source one. */
export type Finish = (path: string, contents: string) => OnLoadResult;

type Compile = (
  path: string,
  contents: string,
  options: { readonly useDefineForClassFields: boolean },
) => string | null;

/**
 * Compiles the files with decorators whose tsconfig.json has `experimentalDecorators` and `emitDecoratorMetadata`: esbuild tells decorators nothing of types, as libraries that inject or map by
 * type need it. It takes the project's own TypeScript, else its SWC. Standard decorators have no such metadata, and stay esbuild's.
 */
export function decoratorsPlugin(folder: string, finish: Finish): Plugin {
  return {
    name: 'cloudcode-decorators',
    setup(build) {
      const optionsByFolder = new Map<string, Promise<CompilerOptions>>();
      const optionsOf = (holder: string): Promise<CompilerOptions> => {
        const options = optionsByFolder.get(holder) ?? compilerOptionsFor(holder);
        optionsByFolder.set(holder, options);
        return options;
      };
      build.onLoad({ filter: /\.[cm]?tsx?$/, namespace: 'file' }, async ({ path }) => {
        if (/[\\/]node_modules[\\/]/.test(path)) return undefined;
        const options = await optionsOf(dirname(path));
        if (options.experimentalDecorators !== true || options.emitDecoratorMetadata !== true) return undefined;
        const contents = await readFile(path, 'utf8').catch(() => '');
        if (!(await hasDecorators(build, path, contents))) return undefined;
        const file = relativePath(folder, path);
        return atStep(`compiling ${file}`, (): Promise<OnLoadResult | undefined> => {
          const compile = findCompiler(path);
          if (compile === null) return Promise.resolve({ errors: [notInstalled(file, contents)] });
          const compiled = compile(path, contents, { useDefineForClassFields: definesFields(options) });
          return Promise.resolve(compiled === null ? undefined : finish(path, importTypesLoosely(compiled)));
        });
      });
    },
  };
}

/** esbuild knows: an `@` may also stand in a comment, a string or a type. */
async function hasDecorators({ esbuild }: PluginBuild, path: string, contents: string): Promise<boolean> {
  if (!contents.includes('@')) return false;
  try {
    const { code } = await esbuild.transform(contents, {
      loader: extname(path) === '.tsx' ? 'tsx' : 'ts',
      logLevel: 'silent',
      target: 'esnext',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    });
    return /^var __decorateClass = /m.test(code);
  } catch {
    return false; // what is wrong with it esbuild says when it bundles it
  }
}

/** As esbuild has it. */
function definesFields({ target, useDefineForClassFields }: CompilerOptions): boolean {
  if (typeof useDefineForClassFields === 'boolean') return useDefineForClassFields;
  if (typeof target !== 'string') return true;
  return /^esnext$/i.test(target) || Number(/^es(\d{4})$/i.exec(target)?.[1] ?? 0) >= 2022;
}

/** The first of the two that the file finds. */
function findCompiler(path: string): Compile | null {
  const load = createRequire(path);
  for (const [name, compilerOf] of [
    ['typescript', withTypeScript],
    ['@swc/core', withSwc],
  ] as const) {
    try {
      const compile = compilerOf(load(name));
      if (compile !== null) return compile;
    } catch {
      // Not installed, or not for this platform.
    }
  }
  return null;
}

function withTypeScript(module: unknown): Compile | null {
  const ts = module as typeof TypeScript;
  if (typeof ts.transpileModule !== 'function') return null;
  return (path, contents, { useDefineForClassFields }) => {
    const { outputText, diagnostics = [] } = ts.transpileModule(contents, {
      fileName: path,
      reportDiagnostics: true,
      compilerOptions: {
        module: ts.ModuleKind.Preserve,
        target: ts.ScriptTarget.ES2022,
        jsx: ts.JsxEmit.Preserve,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        useDefineForClassFields,
        inlineSourceMap: true,
        inlineSources: false,
        importHelpers: false,
        isolatedModules: true,
      },
    });
    const isBroken = diagnostics.some(({ category, code }) => category === ts.DiagnosticCategory.Error && code < 2000);
    return isBroken ? null : outputText;
  };
}

interface Swc {
  transformSync(source: string, options: object): { readonly code: string; readonly map?: string };
}

function withSwc(module: unknown): Compile {
  const swc = module as Swc;
  return (path, contents, { useDefineForClassFields }) => {
    const { code, map = '' } = swc.transformSync(contents, {
      filename: path,
      swcrc: false,
      configFile: false,
      sourceMaps: true,
      sourceFileName: basename(path),
      isModule: 'unknown',
      jsc: {
        parser: { syntax: 'typescript', decorators: true, tsx: extname(path) === '.tsx' },
        target: 'es2022',
        externalHelpers: false,
        keepClassNames: true,
        transform: {
          legacyDecorator: true,
          decoratorMetadata: true,
          useDefineForClassFields,
          react: { runtime: 'preserve' },
        },
      },
    });
    return `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}\n`;
  };
}

function notInstalled(file: string, contents: string) {
  const lines = contents.split('\n');
  const line = Math.max(
    0,
    lines.findIndex((text) => /^\s*(?:export\s+(?:default\s+)?)?@[\w$(]/.test(text)),
  );
  const lineText = lines[line] ?? '';
  return {
    text: 'This file has decorators, and its tsconfig.json asks for `emitDecoratorMetadata`, which takes a compiler that knows the types: neither TypeScript nor SWC is installed in the project',
    location: { file, line: line + 1, column: Math.max(0, lineText.indexOf('@')), lineText },
    notes: [
      {
        text: 'Install one of them in the project: npm install --save-dev typescript (or @swc/core). Without `emitDecoratorMetadata` in the tsconfig.json, neither is needed.',
      },
    ],
  };
}
