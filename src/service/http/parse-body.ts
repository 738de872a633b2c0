import { CloudCodeError } from '../../engine/core/errors.ts';
import { parseJson } from '../api/parse-json.ts';

/** Reads a body of exact UTF-8 as JSON; an empty one is `undefined`. @throws CloudCodeError `invalid_body`, with the place of the mistake */
export function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  const parsed = parseJson(decode(body));
  if (parsed.mistake === null) return parsed.value;
  throw new CloudCodeError('invalid_body', `The body is not JSON: ${parsed.mistake}.`);
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new CloudCodeError('invalid_body', 'The body is not UTF-8.', {
      hint: 'Encode it as UTF-8, without compression.',
      cause: error,
    });
  }
}
