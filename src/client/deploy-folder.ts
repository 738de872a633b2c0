import { CloudCodeError } from '../core/errors.ts';
import { errorOfProblem } from '../protocol/http-problem.ts';
import { type DeploymentBody, workEvents } from '../protocol/http-project.ts';
import type { ServerAddress } from './http-backend.ts';
import { readEvents } from './read-events.ts';
import { send, unreachable } from './request-json.ts';

/**
 * Has a server deploy its folder as it stands, to its own store.
 * @returns null when the signal ended that
 * @throws CloudCodeError of the deployment; `server_unreachable` also when the server goes away meanwhile
 */
export async function deployByServer(address: ServerAddress, { signal, onStep }: { readonly signal: AbortSignal; readonly onStep: (step: string) => void }): Promise<DeploymentBody | null> {
  const server = { url: address.url, token: address.token, hint: address.hint };
  try {
    const response = await send(server, `/api/v1/environments/${encodeURIComponent(address.environment)}/folder/deploy`, { method: 'POST', accept: 'text/event-stream', signal });
    for await (const { event, data } of readEvents(response.body ?? new ReadableStream())) {
      if (event === workEvents.step) onStep(String(JSON.parse(data)));
      if (event === workEvents.done) return JSON.parse(data) as DeploymentBody | null;
      if (event === workEvents.refused) throw errorOfProblem(JSON.parse(data)) ?? new CloudCodeError('internal', data);
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error instanceof CloudCodeError ? error : unreachable(server, error);
  }
  throw unreachable(server, new Error('it ended before the deployment did'));
}
