import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { errorRecord } from '../../src/engine/worker/error-record.ts';
import { packageRoot } from '../../src/package-root.ts';
import { buildProject } from '../../src/project/build-project.ts';
import { makeFolder } from './make-folder.ts';
import { runBundle, sourcePosition, textOf } from './run-bundle.ts';

/** What `reflect-metadata` does, as far as it is asked here. */
const reflect = `
export const found: Record<string, unknown[]> = {};
const names = (types: unknown) => (Array.isArray(types) ? types : [types]).map((type) => (typeof type === 'function' ? type.name : String(type)));
Object.assign(Reflect, { metadata: (key: string, types: unknown) => (target: object, property?: string) => {
  found[\`\${typeof target === 'function' ? target.name : target.constructor.name}.\${property ?? ''} \${key}\`] = names(types);
} });
export const mark = (..._args: any[]): any => undefined;
`;
const service = `import { mark } from '../_shared/reflect.ts';
export interface Shape { readonly size: number }
@mark
export class Engine { constructor(readonly power: number) {} }
`;
const task = `import { found, mark } from '../_shared/reflect.ts';
import { Engine, Shape } from '~/_shared/engine.ts';
/** An address in a comment: someone@example.org */
@mark
class Car {
  @mark name: string = import.meta.filename;
  @mark built!: Date;
  @mark shape!: Shape;
  constructor(readonly engine: Engine, @mark doors: number) {}
  @mark drive(to: string, via: Engine[]): Promise<void> { throw new Error(\`to \${to} by \${via.length}\`); }
}
export const run = (given: { to?: string }) => (given.to === undefined ? { found, name: new Car(new Engine(1), 4).name, own: Object.keys(new Car(new Engine(1), 4)) } : new Car(new Engine(1), 4).drive(given.to, []));
`;
const files = {
  'cloudcode/_shared/reflect.ts': reflect,
  'cloudcode/_shared/engine.ts': service,
  'cloudcode/car/index.ts': task,
  'package.json': '{ "type": "module" }',
};
const base =
  '{ "compilerOptions": { /* of all */ "target": "es2021", "experimentalDecorators": true, "emitDecoratorMetadata": true, }, }';
const own = '{ "extends": "./config/base.json", "compilerOptions": { "paths": { "~/*": ["./cloudcode/*"] } } } // ours';

async function withCompiler(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(packageRoot, 'node_modules/typescript'), join(folder, 'node_modules/typescript'));
}

describe('decorators', () => {
  it('are told the types, by the compiler of the project, where its tsconfig.json asks for it', async (t) => {
    const folder = await makeFolder(t, { ...files, 'tsconfig.json': own, 'config/base.json': base });
    await withCompiler(folder);
    const project = await buildProject(folder);
    const { result } = await runBundle(project, 'car');
    assert.deepEqual(result, {
      found: {
        'Engine. design:paramtypes': ['Number'],
        'Car.name design:type': ['String'],
        'Car.built design:type': ['Date'],
        'Car.shape design:type': ['Object'],
        'Car.drive design:type': ['Function'],
        'Car.drive design:paramtypes': ['String', 'Array'],
        'Car.drive design:returntype': ['Promise'],
        'Car. design:paramtypes': ['Engine', 'Number'],
      },
      name: join(folder, 'cloudcode/car/index.ts'),
      own: ['engine', 'name'],
    });
  });

  it('leave the lines of errors as they are in the source', async (t) => {
    const folder = await makeFolder(t, { ...files, 'tsconfig.json': own, 'config/base.json': base });
    await withCompiler(folder);
    const project = await buildProject(folder);
    const { stack = '' } = await runBundle(project, 'car', { to: 'Rome' });
    assert.match(stack, /^Error: to Rome by 0/);
    const line = 1 + task.split('\n').findIndex((text) => text.includes('throw new Error'));
    assert.match(
      sourcePosition(stack, (await textOf(project.tasks[0])).sourceMap),
      new RegExp(`^cloudcode/car/index.ts:${line}:`),
    );
  });

  it('of a library from before the standard fail without those options, and the error of the run says which', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/car/index.ts':
        "const Column = () => (target: any, name: any) => void [target.constructor, name];\nclass Car { @Column() name = ''; }\nexport const run = () => new Car();",
    });
    const file = join(folder, 'bundle.cjs');
    await writeFile(file, (await textOf((await buildProject(folder)).tasks[0])).code);
    const thrown: unknown = await import(file).catch((error: unknown) => error);
    assert.match(
      errorRecord(thrown).message,
      /^Cannot read properties of undefined.*\nThe decorators of this class.*"experimentalDecorators": true/,
    );
    assert.doesNotMatch(errorRecord(new TypeError('any other')).message, /decorators/);
  });

  it('need TypeScript or SWC then, and the error says so, and where', async (t) => {
    const folder = await makeFolder(t, { ...files, 'tsconfig.json': own, 'config/base.json': base });
    await assert.rejects(buildProject(folder), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'task_broken');
      assert.match(
        error.message,
        /cloudcode\/car\/index\.ts:4:1: This file has decorators.*`emitDecoratorMetadata`.*neither TypeScript nor SWC is installed/s,
      );
      assert.match(error.hint ?? '', /npm install --save-dev typescript/);
      return true;
    });
  });

  for (const [name, tsconfig] of [
    ['without emitDecoratorMetadata', base.replace('"emitDecoratorMetadata": true', '"emitDecoratorMetadata": false')],
    ['of the standard', '{ "compilerOptions": { "emitDecoratorMetadata": true } }'],
  ] as const) {
    it(`need no compiler: ${name}`, async (t) => {
      const text = `const seen: unknown[] = [];\nfunction mark(_target: unknown, context: unknown): void { seen.push(typeof context); }\n@mark\nclass A {}\nexport const run = () => [new A() instanceof A, seen];`;
      const folder = await makeFolder(t, { 'cloudcode/a/index.ts': text, 'tsconfig.json': tsconfig });
      assert.deepEqual((await runBundle(await buildProject(folder), 'a')).result, [
        true,
        [name === 'of the standard' ? 'object' : 'undefined'],
      ]);
    });
  }

  it('need no compiler where there are none', async (t) => {
    const folder = await makeFolder(t, {
      'cloudcode/a/index.ts': "// @ts-check: me@example.org\nexport const run = () => '@mark class A {}';",
      'tsconfig.json': base,
    });
    assert.equal((await runBundle(await buildProject(folder), 'a')).result, '@mark class A {}');
  });
});
