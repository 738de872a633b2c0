import { parentPort } from 'node:worker_threads';
import { CloudCodeError } from '../../../engine/core/errors.ts';
import { operations } from '../../api/operations.ts';
import { readBody } from '../../api/read-input.ts';
import { parseBody } from '../parse-body.ts';
import type { BodyRead, ToRead } from './read-apart.ts';

// The thread that reads large bodies, one after the other.

parentPort?.on('message', (given: ToRead) => parentPort?.postMessage(read(given)));

function read({ number, operation: name, bytes }: ToRead): BodyRead {
  try {
    const operation = operations.find((each) => each.name === name);
    if (operation === undefined) throw new Error(`${name} is not declared`);
    return { number, read: readBody(operation, parseBody(bytes)) };
  } catch (error) {
    if (!(error instanceof CloudCodeError))
      return { number, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    return { number, refused: { code: error.code, message: error.message, hint: error.hint } };
  }
}
