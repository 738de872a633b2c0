import { sessionSettings } from './connection.ts';
import { openServers } from './database-servers.ts';
import { connectTo, SessionClient } from './session-client.ts';

/** A connection of its own that hears what is told to runners. */
export interface Listener {
  /** Has the server tell it from now on. */
  listen(): Promise<void>;
  /** Asks the server whether it does: a pooler may have put another session behind the connection. */
  isListening(): Promise<boolean>;
  end(): Promise<void>;
}

export interface ListenerEvents {
  readonly onNotification: (payload: string) => void;
  readonly onError: (error: unknown) => void;
  readonly onEnd: () => void;
}

/** How long an answer may take. */
const limitMs = 5000;

/** @returns what connects, and again when a connection has ended @throws CloudCodeError `database_unreachable` */
export function openListeners(url: string): (events: ListenerEvents) => Promise<Listener> {
  const servers = openServers(url);
  return async ({ onNotification, onError, onEnd }) => {
    const client = await connectTo(servers, () =>
      new SessionClient({ servers, settings: sessionSettings, limitMs }).connect(),
    );
    client.on('error', onError);
    client.on('notification', ({ payload }) => onNotification(payload ?? ''));
    client.once('end', onEnd);
    return {
      async listen() {
        await client.query('listen cloudcode');
      },
      async isListening() {
        const { rowCount } = await client.query(
          "select 1 from pg_listening_channels() channel where channel = 'cloudcode'",
        );
        return (rowCount ?? 0) > 0;
      },
      end: () => client.end(),
    };
  };
}
