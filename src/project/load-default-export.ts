import { CloudCodeError, type ErrorCode } from '../engine/core/errors.ts';
import { atStep } from './build-steps.ts';
import { bundleHere, type Bundle } from './bundle.ts';
import { placeOfError } from './place-of-error.ts';
import { fromMessage, joinErrors } from './problems.ts';

interface DescribedModule {
  /** Relative to the project's folder. */
  readonly file: string;
  /** Of the errors. */
  readonly code: ErrorCode;
  /** What to export by default, for people. */
  readonly example: string;
}

/**
 * What a module of the project exports by default. It is bundled and run in this process, anew each time.
 * @param folder absolute, with symbolic links resolved
 * @throws CloudCodeError with the given code, when the module cannot be bundled, throws, or has no default export
 */
export async function loadDefaultExport(folder: string, { file, code, example }: DescribedModule): Promise<unknown> {
  const { bundle, problems } = await atStep(`bundling ${file}`, () => bundleHere(folder, file));
  if (bundle === null) throw joinErrors(problems.map((problem) => fromMessage(code, problem)));
  const loaded = await atStep(`running ${file}`, () => importBundle(bundle, { file, code }));
  if ('default' in loaded) return loaded['default'];
  throw new CloudCodeError(code, `${file} has no default export.`, { hint: `Write \`export default ${example}\`.` });
}

let imports = 0;

async function importBundle(
  bundle: Bundle,
  { file, code }: Omit<DescribedModule, 'example'>,
): Promise<Readonly<Record<string, unknown>>> {
  imports += 1;
  // The number makes it a new module each time. The name is what a stack shows instead of the whole text.
  const url = `data:text/javascript;base64,${Buffer.from(`${bundle.code}\n//# sourceURL=${file}\n// ${imports}`).toString('base64')}`;
  try {
    return (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const thrown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const place = error instanceof Error ? placeOfError(error.stack ?? '', file, bundle.sourceMap) : null;
    throw new CloudCodeError(code, `${place ?? file}: it threw ${thrown}`, { cause: error });
  }
}
