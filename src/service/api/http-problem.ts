import { z } from 'zod';
import { type CloudCodeError, errorCatalogue } from '../../engine/core/errors.ts';

/** The body of an error's answer: RFC 9457, with the error's code, and what to do on its own. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string().meta({ description: 'What happened and, as its last words, the hint.' }),
    code: z.string().meta({ description: 'Stable. A server of a later version may have others.' }),
    hint: z.string().optional().meta({ description: 'What to do.' }),
  })
  .readonly()
  .meta({ id: 'Problem', description: 'An error, as RFC 9457 has it.' });
export type Problem = z.output<typeof problem>;

export const problemMediaType = 'application/problem+json';

export function problemOf(error: CloudCodeError): Problem {
  const { title, status } = errorCatalogue[error.code];
  const detail = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  const body = { type: `urn:cloudcode:error:${error.code}`, title, status, detail, code: error.code };
  return error.hint === undefined ? body : { ...body, hint: error.hint };
}
