import type { Operation } from '../api/operation.ts';
import type { resources } from '../api/operations.ts';
import { deploymentHandlers } from './deployments.ts';
import { environmentHandlers } from './environments.ts';
import type { Asker, Follower, Handlers } from './handler.ts';
import { healthHandlers } from './health.ts';
import { keyHandlers } from './keys.ts';
import { openApiHandlers } from './openapi.ts';
import { projectHandlers } from './project.ts';
import { queueHandlers } from './queues.ts';
import { runHandlers } from './runs.ts';
import type { Service } from './service.ts';
import { taskHandlers } from './tasks.ts';
import { variableHandlers } from './variables.ts';

const handlers: { readonly [Name in keyof typeof resources]: Handlers<(typeof resources)[Name]> } = {
  runs: runHandlers,
  queues: queueHandlers,
  tasks: taskHandlers,
  project: projectHandlers,
  deployments: deploymentHandlers,
  environments: environmentHandlers,
  variables: variableHandlers,
  keys: keyHandlers,
  openapi: openApiHandlers,
  health: healthHandlers,
};

/** A handler for whoever has checked the input by the operation's own schemas. */
export interface AnyHandler {
  readonly answer?: (service: Service, input: object, asker: Asker) => Promise<unknown>;
  readonly follow?: (
    service: Service,
    input: object,
    follower: Follower,
  ) => Promise<AsyncIterable<readonly AnyEvent[]>>;
}

export interface AnyEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: number;
}

/** What an operation does not have, an answer or a stream, its handler has not either. @throws Error for an operation, an answer or a stream that is not declared */
export function handlerOf({ name, answer, stream }: Operation): AnyHandler {
  const [resource = '', verb = ''] = name.split('.');
  const found = (handlers as Readonly<Record<string, Readonly<Record<string, AnyHandler>>>>)[resource]?.[verb];
  if (found === undefined) throw new Error(`${name} is not among the operations that are declared`);
  if (found.answer !== undefined && answer === undefined) throw new Error(`${name} declares no answer`);
  if (found.follow !== undefined && stream === undefined) throw new Error(`${name} declares no stream`);
  return found;
}
