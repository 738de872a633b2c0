import { hasOwnPackages } from './packages/package-place.ts';

/** Why a package is not found, and what to do; null for any other error, and where the task has no packages of its own. */
export function explainMissing(thrown: unknown): string | null {
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
  if (
    (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') ||
    typeof message !== 'string' ||
    !hasOwnPackages()
  )
    return null;
  const [, name] =
    /^Cannot find (?:module|package) '((?:@[^/'\\:]+\/)?[^./#'\\:@][^/'\\:]*)(?:\/[^']*)?'/.exec(message) ?? [];
  return name === undefined
    ? null
    : `The package ${name} is not part of the deployment. Have it in the dependencies of the project's package.json, name it in the task's code (import it, or write '${name}' where it is loaded by a variable), and deploy again.`;
}
