import { deployments } from './deployments.ts';
import { environments } from './environments.ts';
import { health } from './health.ts';
import { openapi } from './openapi.ts';
import { keys } from './keys.ts';
import type { Operation } from './operation.ts';
import { project } from './project.ts';
import { queues } from './queues.ts';
import { runs } from './runs.ts';
import { tasks } from './tasks.ts';
import { variables } from './variables.ts';

/** All that can be asked for, by resource. */
export const resources = { runs, queues, tasks, project, deployments, environments, variables, keys, openapi, health };

export const operations: readonly Operation[] = Object.values(resources).flatMap((resource) =>
  Object.values<Operation>(resource),
);
