/** What esbuild calls while it decorates a class as ECMAScript has it, in a bundle. */
const decorating = /\bat __decorateElement\b/;

/** What may be wrong when a decorator throws that was given what ECMAScript gives it; null for any other error. */
export function explainDecorators(thrown: unknown): string | null {
  const { stack } = thrown as { readonly stack?: unknown };
  return thrown instanceof TypeError && typeof stack === 'string' && decorating.test(stack)
    ? 'The decorators of this class are compiled as ECMAScript has them. Libraries of the time before (TypeORM, tsyringe, Nest) need "experimentalDecorators": true and "emitDecoratorMetadata": true in tsconfig.json, with typescript or @swc/core in the project.'
    : null;
}
