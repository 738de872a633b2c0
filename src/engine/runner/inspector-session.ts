import { openInspectorSocket } from './inspector-socket.ts';

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

/** Connects to the inspector. Everything that waits ends when the signal fires. */
export async function openInspector(address: string, signal: AbortSignal): Promise<InspectorSession> {
  const answers = new Map<number, PromiseWithResolvers<unknown>>();
  const listeners = new Map<string, (parameters: unknown) => void>();
  const opened = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const end = (): void => {
    ended.reject(new Error('the inspector did not answer'));
    socket.close();
  };
  const socket = openInspectorSocket(address, {
    onOpen: () => opened.resolve(undefined),
    onEnd: end,
    onText(text) {
      const message = parse(text);
      if (message === null) return end();
      if (message.method !== undefined) return listeners.get(message.method)?.(message.params);
      const answer = message.id === undefined ? undefined : answers.get(message.id);
      if (message.error === undefined) answer?.resolve(message.result);
      else answer?.reject(new Error(message.error.message));
    },
  });
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
