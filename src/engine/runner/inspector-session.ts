import WebSocket from 'ws';

/** A connection to the inspector of a Node process, by the Chrome DevTools Protocol. */
export interface InspectorSession {
  /** The result of a command. Rejects when the inspector refuses it, the connection ends, or the signal given to `openInspector` fires. */
  send(method: string, parameters?: object): Promise<unknown>;
  /** Calls the listener with the parameters of each event of this name. */
  on(name: string, listener: (parameters: unknown) => void): void;
  close(): void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

/** Of all messages together. What answers may be a task that pretends to be an inspector. Node's own `WebSocket` has no limit, and held up the runner for 60 ms when it was first used. */
const maxBytes = 32 * 1024 * 1024;

/** Connects to the inspector. Everything that waits ends when the signal fires. */
export async function openInspector(address: string, signal: AbortSignal): Promise<InspectorSession> {
  const answers = new Map<number, PromiseWithResolvers<unknown>>();
  const listeners = new Map<string, (parameters: unknown) => void>();
  const opened = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const socket = new WebSocket(address, { perMessageDeflate: false, maxPayload: maxBytes });
  const end = (): void => {
    ended.reject(new Error('the inspector did not answer'));
    socket.terminate();
  };
  const receive = (text: string): void => {
    const message = parse(text);
    if (message === null) return end();
    if (message.method !== undefined) return listeners.get(message.method)?.(message.params);
    const answer = message.id === undefined ? undefined : answers.get(message.id);
    if (message.error === undefined) answer?.resolve(message.result);
    else answer?.reject(new Error(message.error.message));
  };
  let bytes = 0;
  socket.on('open', () => opened.resolve(undefined));
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
    if (bytes > maxBytes) end();
    else receive(data.toString());
  });
  socket.on('error', () => undefined); // 'close' follows
  socket.once('close', end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  await Promise.race([opened.promise, ended.promise]);

  let lastId = 0;
  return {
    send(method, parameters = {}) {
      const id = ++lastId;
      const answer = Promise.withResolvers<unknown>();
      answers.set(id, answer);
      socket.send(JSON.stringify({ id, method, params: parameters }));
      return Promise.race([answer.promise, ended.promise]);
    },
    on: (name, listener) => void listeners.set(name, listener),
    close() {
      signal.removeEventListener('abort', end);
      end();
    },
  };
}

function parse(text: string): Message | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
