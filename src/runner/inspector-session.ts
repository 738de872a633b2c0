/** A connection to the inspector of a Node process, by the Chrome DevTools Protocol. */
export interface InspectorSession {
  /** The result of a command. Rejects when the inspector refuses it, the connection ends, or the signal given to `openInspector` fires. */
  send(method: string, parameters?: object): Promise<unknown>;
  /** The parameters of the next event of this name; null when none comes within the time. */
  event(name: string, withinMs: number): Promise<unknown>;
  close(): void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

/** Connects to the inspector. Everything that waits is over when the signal fires. */
export async function openInspector(address: string, signal: AbortSignal): Promise<InspectorSession> {
  const socket = new WebSocket(address);
  const answers = new Map<number, PromiseWithResolvers<unknown>>();
  const events = new Map<string, (parameters: unknown) => void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const end = (): void => {
    ended.reject(new Error('the inspector did not answer'));
    socket.close();
  };
  signal.addEventListener('abort', end, { once: true });
  socket.addEventListener('error', end);
  socket.addEventListener('close', end);
  socket.addEventListener('message', ({ data }) => {
    const message = parse(data);
    if (message === null) return end();
    if (message.method !== undefined) return events.get(message.method)?.(message.params);
    const answer = message.id === undefined ? undefined : answers.get(message.id);
    if (message.error === undefined) answer?.resolve(message.result);
    else answer?.reject(new Error(message.error.message));
  });
  if (signal.aborted) end();
  const opened = new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  await Promise.race([opened, ended.promise]);

  let lastId = 0;
  return {
    send(method, parameters = {}) {
      const id = ++lastId;
      const answer = Promise.withResolvers<unknown>();
      answers.set(id, answer);
      socket.send(JSON.stringify({ id, method, params: parameters }));
      return Promise.race([answer.promise, ended.promise]);
    },
    event: (name, withinMs) =>
      new Promise((resolve) => {
        events.set(name, resolve);
        setTimeout(resolve, withinMs, null);
      }),
    close() {
      signal.removeEventListener('abort', end);
      end();
    },
  };
}

function parse(data: unknown): Message | null {
  if (typeof data !== 'string') return null;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
