import { CloudCodeError } from '../../engine/core/errors.ts';
import { messageOf } from '../../engine/core/thrown.ts';

/** Of a file or folder that would be deployed. */
export function cannotBeRead(path: string, error: unknown): CloudCodeError {
  return new CloudCodeError(
    'build_failed',
    `${path} is part of the deployment and cannot be read: ${messageOf(error)}.`,
    {
      hint: 'Let this user read it. A package can be installed again, and what the tasks do not need can be ignored by git.',
      cause: error,
    },
  );
}
