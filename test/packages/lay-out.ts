import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type Case, projectFolder } from './cases.ts';

export type ModuleType = 'module' | 'commonjs';

export interface LaidOut {
  /** A project with one task. Its packages lie above it. */
  readonly project: string;
  /** The same files as JavaScript, for plain Node. */
  readonly plainFile: string;
  /** For what the task writes. */
  readonly scratch: string;
}

/**
 * Makes a project of one case, and its copy for plain Node, in which TypeScript has only left out the types (and written decorators as the project's tsconfig says).
 * @param installed the folder in whose node_modules the packages are
 */
export function layOut({ kind, name, folder }: Case, type: ModuleType, installed: string): LaidOut {
  const work = join(installed, '.work', `${type}-${kind}-${name}`);
  rmSync(work, { recursive: true, force: true });
  const [project, plain] = [join(work, 'project'), join(work, 'plain')];
  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const place of [project, plain]) {
    mkdirSync(place, { recursive: true });
    writeFileSync(
      join(place, 'package.json'),
      JSON.stringify({ name: `case-${name.replaceAll('_', '-')}`, private: true, type, dependencies }),
    );
    cpSync(join(projectFolder, 'tsconfig.json'), join(place, 'tsconfig.json'));
    cpSync(folder, join(place, 'cloudcode', name), { recursive: true });
    cpSync(join(projectFolder, 'tasks', 'support.ts'), join(place, 'cloudcode', 'support.ts'));
  }
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: type === 'module' ? ts.ModuleKind.ESNext : ts.ModuleKind.CommonJS,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  for (const file of readdirSync(plain, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const path = join(plain, file);
    const code = ts.transpileModule(readFileSync(path, 'utf8'), {
      compilerOptions: options,
      fileName: file,
    }).outputText;
    writeFileSync(path, type === 'module' ? code : withoutImportMeta(code));
  }
  const scratch = join(work, 'scratch');
  return { project, plainFile: join(plain, 'cloudcode', name, 'index.ts'), scratch };
}

/** A CommonJS task may say `import.meta`; in plain Node the same file says it so. */
function withoutImportMeta(code: string): string {
  return code.replaceAll('import.meta.url', 'require("node:url").pathToFileURL(__filename).href');
}
