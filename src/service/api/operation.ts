import type { z } from 'zod';
import type { ErrorCode } from '../../engine/core/errors.ts';

/** What whoever asks for an operation must be allowed to do. It has no effect yet: this version serves loopback alone. */
export const permissions = [
  'public',
  'runs:read',
  'runs:write',
  'queues:read',
  'queues:write',
  'tasks:read',
  'project:read',
  'deploy',
  'environments:read',
  'environments:write',
  'variables:read',
  'variables:write',
  'keys:write',
] as const;
export type Permission = (typeof permissions)[number];

/** Something that a person or a program can ask for. Routes, the client and the CLI's direct way to a store come from its declaration. */
export interface Operation {
  /** `runs.list`: its resource and its verb. */
  readonly name: `${string}.${string}`;
  readonly method: 'GET' | 'POST';
  /** With `:name` where a parameter is a part of it; that of an environment is always one. */
  readonly path: `/${string}`;
  readonly permission: Permission;
  /** One sentence. */
  readonly summary: string;
  /** By name. Those that the path does not have are the query; others than these are refused. */
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  /** Absent: a body holds nothing, or is `{}`. */
  readonly body?: z.ZodType;
  /** Reads the body where a schema could not say what is wrong with it as well. @throws CloudCodeError */
  readonly readBody?: (body: unknown) => unknown;
  /** The body is bytes (`application/octet-stream`), and no JSON. */
  readonly bytes?: true;
  /** 100 KB unless it says more; what is more than that is read in a thread of its own. */
  readonly maxBodyBytes?: number;
  /** Absent: it is answered by a stream alone. */
  readonly answer?: z.ZodType;
  /** Of good answers; 200 unless it says others. 201: something was made. */
  readonly statuses?: readonly (200 | 201)[];
  readonly stream?: EventStream;
  /** The codes that it alone may refuse a request with; those that all such requests share are in `refusals.ts`. */
  readonly refusals?: readonly ErrorCode[];
}

/** What makes something takes an Idempotency-Key. */
export function makesSomething({ statuses = [] }: Operation): boolean {
  return statuses.includes(201);
}

/** Server-sent events: the answer to those who accept them, and to all where there is no other. */
export interface EventStream {
  /** What comes with each event, by its name; one called `message` is sent without a name. */
  readonly events: Readonly<Record<string, z.ZodType>>;
  /** The event that a good stream ends with. */
  readonly last: string;
  /**
   * The parameter that the id of an event stands for: a stream that breaks is taken up after the last event that came. Without it a stream begins
   * only once, and what it is refused for after that comes as the event `refused`.
   */
  readonly resumesAfter?: string;
}

/** The last event of a stream of something that was refused; its data is the problem. */
export const refusedEvent = 'refused';

export type Answering = Operation & { readonly answer: z.ZodType };
export type Streaming = Operation & { readonly stream: EventStream };

type Parameters<Of extends Operation> = Of extends {
  readonly parameters: infer Declared extends Readonly<Record<string, z.ZodType>>;
}
  ? z.output<z.ZodObject<Declared>>
  : object;

/** What a handler gets: everything as its schema has read it, and the environment. */
export type InputOf<Of extends Operation> = Parameters<Of> & { readonly environment: string } & (Of extends {
    readonly readBody: (body: unknown) => infer Body;
  }
    ? { readonly body: Body }
    : Of extends { readonly bytes: true }
      ? { readonly body: Uint8Array<ArrayBuffer> }
      : Of extends { readonly body: infer Body extends z.ZodType }
        ? { readonly body: z.output<Body> }
        : object);

/** What a caller gives; the environment is the client's own. */
export type CallOf<Of extends Operation> = Parameters<Of> &
  (Of extends { readonly bytes: true }
    ? { readonly body: Uint8Array<ArrayBuffer> }
    : Of extends { readonly body: infer Body extends z.ZodType }
      ? { readonly body: z.input<Body> }
      : object);

export type AnswerOf<Of extends Operation> = Of extends { readonly answer: infer Answer extends z.ZodType }
  ? z.output<Answer>
  : never;

/** An event of a stream, as it was declared. */
export type EventOf<Of extends Operation> = Of extends {
  readonly stream: { readonly events: infer Events extends Readonly<Record<string, z.ZodType>> };
}
  ? { [Name in keyof Events]: { readonly event: Name; readonly data: z.output<Events[Name]> } }[keyof Events]
  : never;

type Declaration = Omit<Operation, 'name'>;

/** Declares the operations of a resource. @throws Error for one without a permission, or whose path has a parameter that it does not declare */
export function resource<const Name extends string, const Declared extends Readonly<Record<string, Declaration>>>(
  name: Name,
  declared: Declared,
): { readonly [Verb in keyof Declared & string]: Declared[Verb] & { readonly name: `${Name}.${Verb}` } } {
  const operations = Object.entries(declared).map(([verb, declaration]) => {
    const operation: Operation = { name: `${name}.${verb}`, ...declaration };
    const undeclared = pathNames(operation).find((each) => each !== 'environment' && !operation.parameters?.[each]);
    if (undeclared !== undefined) throw new Error(`${operation.name} does not declare the parameter ${undeclared}.`);
    if (!permissions.includes(operation.permission)) throw new Error(`${operation.name} declares no permission.`);
    return [verb, operation] as const;
  });
  return Object.fromEntries(operations) as ReturnType<typeof resource<Name, Declared>>;
}

/** The base of all but health. */
export const apiBase = '/api/v1';
/** The base of what belongs to an environment. */
export const inEnvironment = `${apiBase}/environments/:environment`;

/** The path and query of a request. */
export function addressOf(of: Operation, values: Readonly<Record<string, unknown>>): string {
  const given = values as Readonly<Record<string, string | number | undefined>>;
  const path = of.path.replaceAll(pathName, (_, name: string) => encodeURIComponent(given[name] ?? ''));
  const query = new URLSearchParams();
  for (const name of Object.keys(queryOf(of))) {
    const value = given[name];
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/** The parameters that are no part of the path. */
export function queryOf(of: Operation): Required<Operation>['parameters'] {
  const inPath = pathNames(of);
  return Object.fromEntries(Object.entries(of.parameters ?? {}).filter(([name]) => !inPath.includes(name)));
}

const pathName = /:(\w+)/g;

export function pathNames({ path }: Operation): readonly string[] {
  return [...path.matchAll(pathName)].map(([, name = '']) => name);
}
