import { CloudCodeError } from '../engine/core/errors.ts';
import { errorOfProblem } from '../service/api/http-problem.ts';
import { workEvents } from '../service/api/http-project.ts';
import { readEvents } from './read-events.ts';
import { send, type Server, unreachable } from './request-json.ts';

export interface Following {
  readonly method: 'GET' | 'POST';
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/**
 * Asks a server for what may take long, and follows it to its end.
 * @returns null when the signal ended that
 * @throws CloudCodeError of the work; `server_unreachable` also when the server goes away meanwhile
 */
export async function followWork<Result>(
  server: Server,
  path: string,
  { method, signal, onStep }: Following,
): Promise<Result | null> {
  try {
    const response = await send(server, path, { method, accept: 'text/event-stream', signal });
    for await (const { event, data } of readEvents(response.body ?? new ReadableStream())) {
      if (event === workEvents.step) onStep(String(JSON.parse(data)));
      if (event === workEvents.done) return JSON.parse(data) as Result | null;
      if (event === workEvents.refused) throw errorOfProblem(JSON.parse(data)) ?? new CloudCodeError('internal', data);
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error instanceof CloudCodeError ? error : unreachable(server, error);
  }
  throw unreachable(server, new Error('it ended before its work did'));
}
