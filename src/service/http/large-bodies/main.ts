import { parentPort } from 'node:worker_threads';
import { CloudCodeError } from '../../../engine/core/errors.ts';
import { parseScheduleRequest } from '../../../engine/core/schedule-request.ts';
import { parseScheduleBody } from '../../api/http-runs.ts';
import { parseBody } from '../parse-body.ts';
import type { Parsed, ToParse } from './parse-apart.ts';

// The thread that parses large bodies, one after the other.

parentPort?.on('message', ({ number, bytes }: ToParse) => parentPort?.postMessage(parse(number, bytes)));

function parse(number: number, bytes: Uint8Array): Parsed {
  try {
    return { number, request: parseScheduleRequest(parseScheduleBody(parseBody(bytes)), new Date()) };
  } catch (error) {
    if (!(error instanceof CloudCodeError))
      return { number, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    return { number, refused: { code: error.code, message: error.message, hint: error.hint } };
  }
}
