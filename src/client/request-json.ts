import { CloudCodeError } from '../engine/core/errors.ts';
import { errorOfProblem } from '../engine/core/problem.ts';

/** Where and as whom requests are made. */
export interface Server {
  readonly url: string;
  readonly token: string | undefined;
  /** What to do when it cannot be reached, if that is more than to start it. */
  readonly hint?: string | undefined;
}

export interface Request {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON, or bytes as they are; every POST has one. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Whoever waits for the end of a run is answered after a minute at most. */
const timeoutMs = 90_000;

/** @returns a good answer, with its status @throws CloudCodeError of the server's problem, or `server_unreachable` */
export async function requestJson(
  server: Server,
  path: string,
  request: Request,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  const response = await send(server, path, { ...request, signal });
  const text = await response.text().catch((error: unknown) => {
    throw unreachable(server, error);
  });
  try {
    return { status: response.status, body: JSON.parse(text) as unknown };
  } catch (error) {
    throw notOurs(server, response, error);
  }
}

/** Makes a request and returns the answer when it is a good one. @throws as requestJson */
export async function send(server: Server, path: string, request: Request): Promise<Response> {
  const { method = 'GET', body, accept = 'application/json', headers = {}, signal } = request;
  const response = await fetch(addressOf(server, path), {
    method,
    headers: {
      accept,
      ...headers,
      ...(server.token === undefined ? {} : { authorization: `Bearer ${server.token}` }),
      ...(method === 'POST'
        ? { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' }
        : {}),
    },
    ...(method === 'POST'
      ? { body: body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body ?? {}) }
      : {}),
    redirect: 'error',
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    throw unreachable(server, error);
  });
  if (response.ok) return response;
  const text = await response.text().catch(() => '');
  throw problemIn(text) ?? notOurs(server, response, null);
}

function addressOf(server: Server, path: string): URL {
  try {
    const address = new URL(server.url.replace(/(?<!\/)\/+$/, '') + path);
    if (address.username === '' && address.password === '') return address;
  } catch (error) {
    throw new CloudCodeError('wrong_usage', `${JSON.stringify(server.url)} is no URL.`, {
      hint: 'Write it like http://127.0.0.1:4000',
      cause: error,
    });
  }
  throw new CloudCodeError(
    'wrong_usage',
    `The URL of a server holds no user and password: ${withoutSecrets(server.url)} does.`,
    {
      hint: 'Take them out of --url or CLOUDCODE_URL.',
    },
  );
}

function problemIn(text: string): CloudCodeError | null {
  try {
    return errorOfProblem(JSON.parse(text));
  } catch {
    return null;
  }
}

export function unreachable(server: Server, error: unknown): CloudCodeError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { readonly code?: unknown }).code;
  const why =
    error instanceof Error && error.name === 'TimeoutError'
      ? 'no answer in time'
      : typeof code === 'string'
        ? code
        : cause instanceof Error
          ? cause.message
          : String(cause);
  return new CloudCodeError(
    'server_unreachable',
    `The server at ${withoutSecrets(server.url)} cannot be reached (${why}).`,
    {
      hint: server.hint ?? 'Start one with `cloudcode start` or `cloudcode dev`, or check --url and CLOUDCODE_URL.',
      cause: error,
    },
  );
}

function notOurs(server: Server, response: Response, cause: unknown): CloudCodeError {
  return new CloudCodeError(
    'server_unreachable',
    `What answers at ${withoutSecrets(server.url)} is no CloudCode server (status ${response.status}).`,
    {
      hint: 'Check --url and CLOUDCODE_URL, and what else listens there.',
      cause,
    },
  );
}

/** An address for messages: without user, password and query. */
export function withoutSecrets(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`;
}
