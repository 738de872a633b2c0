import type { DeploymentBody } from '../service/api/http-project.ts';
import { type Following, followWork } from './follow-work.ts';
import type { ServerAddress } from './http-backend.ts';

/**
 * Has a server deploy its folder as it stands, to its own store.
 * @returns null when the signal ended that
 * @throws CloudCodeError of the deployment, `server_unreachable`
 */
export function deployByServer(
  { url, token, hint, environment }: ServerAddress,
  following: Omit<Following, 'method'>,
): Promise<DeploymentBody | null> {
  return followWork<DeploymentBody>(
    { url, token, hint },
    `/api/v1/environments/${encodeURIComponent(environment)}/folder/deploy`,
    { method: 'POST', ...following },
  );
}
