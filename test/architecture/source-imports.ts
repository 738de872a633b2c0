import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../src/package-root.ts';

const sourceFolder = join(packageRoot, 'src');

export interface SourceImport {
  /** The importing file, relative to src/, with `/`. */
  readonly from: string;
  /** The imported file relative to src/, or the name of a package or of a `node:` module. */
  readonly to: string;
  readonly isFile: boolean;
  /** Nothing of it is left when the program runs. */
  readonly isTypeOnly: boolean;
  readonly line: number;
}

/** Every import of every file of src/, as the compiler's own parser sees it: import, export from, import() and import types. */
export function readSourceImports(): readonly SourceImport[] {
  return globSync('**/*.ts', { cwd: sourceFolder }).flatMap((file) => importsOf(join(sourceFolder, file)));
}

function importsOf(path: string): SourceImport[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, false, ts.ScriptKind.TS);
  const found: SourceImport[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      const line = source.getLineAndCharacterOfPosition(node.pos).line + 1;
      found.push({ from: fromSource(path), ...target(path, specifier), isTypeOnly: isTypeOnly(node), line });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return textOf(node.argument.literal);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return textOf(node.arguments[0]);
  return undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return false;
  const { importClause } = node;
  if (importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = importClause?.namedBindings;
  return (
    importClause?.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function target(path: string, specifier: string): { readonly to: string; readonly isFile: boolean } {
  if (specifier.startsWith('.')) return { to: fromSource(resolve(dirname(path), specifier)), isFile: true };
  if (specifier.startsWith('node:')) return { to: specifier, isFile: false };
  const parts = specifier.split('/');
  return { to: parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/'), isFile: false };
}

function fromSource(path: string): string {
  return relative(sourceFolder, path).replaceAll('\\', '/');
}
