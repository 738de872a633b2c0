import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';

export interface SaveOptions {
  /** Refuses to save an object that somebody else has saved since it was read. */
  readonly ifUnchanged: boolean;
}

/** What `save` takes besides an object. @throws CloudCodeError `unknown_option`, `invalid_value` */
export function readSaveOptions(call: string, options: unknown): SaveOptions {
  if (options === undefined) return { ifUnchanged: false };
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new CloudCodeError(
      'invalid_value',
      `${call} takes options such as { ifUnchanged: true }; this is ${describeValue(options)}.`,
    );
  }
  const unknown = Object.keys(options).find((name) => name !== 'ifUnchanged');
  if (unknown !== undefined) {
    const hint = suggest(unknown, ['ifUnchanged']) === null ? 'It takes ifUnchanged.' : 'Did you mean ifUnchanged?';
    throw new CloudCodeError('unknown_option', `${call} has no option ${JSON.stringify(unknown)}. ${hint}`);
  }
  const { ifUnchanged = false } = options as { ifUnchanged?: unknown };
  if (typeof ifUnchanged === 'boolean') return { ifUnchanged };
  throw new CloudCodeError(
    'invalid_value',
    `${call}: ifUnchanged must be true or false; this is ${describeValue(ifUnchanged)}.`,
  );
}
