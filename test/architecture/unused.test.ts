import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { packageRoot } from '../../src/package-root.ts';
import { readSourceImports } from './source-imports.ts';

/** What build.mjs bundles, or puts into what it bundles; everything else in src/ must be reached from here. */
const entries = [...readFileSync(join(packageRoot, 'build.mjs'), 'utf8').matchAll(/'src\/([\w/-]+\.ts)'/g)].map(
  ([, file]) => file ?? '',
);

/** The exports of the SDK and the client are for projects and programs; what an extension gives a worker is loaded as a file. */
const publicFiles = [
  'src/sdk/index.ts',
  'src/sdk/cloudcode.d.ts',
  'src/client/client.d.ts',
  'src/client/cloudcode-client.ts',
  'src/data/worker/data-globals.ts',
];

describe('nothing lies about unused', () => {
  it('every file of src/ is part of the product', () => {
    const imports = readSourceImports().filter(({ isFile }) => isFile);
    const reached = new Set(entries);
    for (const file of reached) for (const { from, to } of imports) if (from === file) reached.add(to);
    assert.deepEqual(
      globSync('**/*.ts', { cwd: join(packageRoot, 'src') }).filter((file) => !reached.has(file)),
      [],
    );
  });

  it('every dependency is imported', () => {
    const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const imported = new Set(readSourceImports().map(({ to }) => to));
    assert.deepEqual(
      Object.keys(dependencies).filter((name) => !imported.has(name)),
      [],
    );
  });

  it('every exported value is used: by another file, or in a test', () => {
    const files = globSync('{src,test,bench}/**/*.ts', { cwd: packageRoot, exclude: ['**/node_modules/**'] }).map(
      parse,
    );
    const used = new Set(files.flatMap(usedExports));
    const offences = files.flatMap(({ path, source }) => {
      if (!path.startsWith('src/') || publicFiles.includes(path) || used.has(`${path} *`)) return [];
      return exportedValues(source)
        .filter((name) => !used.has(`${path} ${name}`))
        .map((name) => `${path} exports ${name}`);
    });
    assert.deepEqual(offences, []);
  });
});

interface ParsedFile {
  readonly path: string;
  readonly source: ts.SourceFile;
}

function parse(file: string): ParsedFile {
  const path = join(packageRoot, file);
  return {
    path: file.replaceAll('\\', '/'),
    source: ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, false),
  };
}

/** Functions, classes and constants; types may be exported to name what a signature says. */
function exportedValues(source: ts.SourceFile): readonly string[] {
  return source.statements.flatMap((statement) => {
    if (
      !ts.canHaveModifiers(statement) ||
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) !== true
    )
      return [];
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
      return statement.name === undefined ? [] : [statement.name.text];
    if (!ts.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  });
}

/** What a file imports or passes on, as `path name`; `path *` for all of it. */
function usedExports({ path, source }: ParsedFile): readonly string[] {
  const used: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
      used.push(...namesOf(node).map((name) => `${targetOf(path, node.moduleSpecifier)} ${name}`));
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      used.push(`${targetOf(path, node.argument.literal)} *`);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      used.push(`${targetOf(path, node.arguments[0])} *`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return used;
}

function namesOf(node: ts.ImportDeclaration | ts.ExportDeclaration): readonly string[] {
  const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause;
  if (bindings === undefined || !('elements' in bindings)) return ['*'];
  return bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

function targetOf(path: string, specifier: ts.Node | undefined): string {
  if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith('.')) return '';
  return relative(packageRoot, resolve(packageRoot, dirname(path), specifier.text)).replaceAll('\\', '/');
}
