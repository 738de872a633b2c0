import pg from 'pg';
import { CloudCodeError } from '../core/errors.ts';
import { type ConnectionLimits, connectionLimits } from './connection.ts';
import type { Server, Servers } from './database-servers.ts';
import { asStoreError, isUnreachable } from './store-error.ts';

export interface SessionOptions extends ConnectionLimits {
  readonly servers: Servers;
  /** What the session is set to before it is used. */
  readonly settings: string;
  /** A statement may be sent before the answer to the one before it is there. */
  readonly pipeline?: boolean;
}

/** A connection to the server whose turn it is. Once it is connected its session is set, and its server is the primary; a server that does not come so far is left for the next. */
export class SessionClient extends pg.Client {
  readonly #servers: Servers;
  readonly #server: Server;
  readonly #settings: string;

  constructor({ servers, settings, pipeline = false, limitMs }: SessionOptions) {
    const server = servers.current();
    super({ ...server.config(), ...connectionLimits({ limitMs }), pipeline });
    this.#servers = servers;
    this.#server = server;
    this.#settings = settings;
    // A connection that breaks matters only where a statement fails.
    this.on('error', () => undefined);
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | undefined {
    const begun = this.#begin();
    if (callback === undefined) return begun;
    const told = callback as (error?: unknown) => void;
    void begun.then(() => told(), told);
    return undefined;
  }

  async #begin(): Promise<pg.Client> {
    try {
      await super.connect();
      await this.query(this.#settings);
      return this;
    } catch (error) {
      this.#servers.leave(this.#server, error);
      void this.end().catch(() => undefined);
      throw error;
    }
  }
}

/**
 * Connects, by each of the ways to the database in turn until one leads to its primary.
 * @throws CloudCodeError `database_unreachable`
 */
export async function connectTo<Connection>(servers: Servers, connect: () => Promise<Connection>): Promise<Connection> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await connect();
    } catch (cause) {
      const error = asStoreError(cause);
      if (!isUnreachable(error) || servers.all.length === 1) throw error;
      if (tries < servers.all.length) continue;
      throw new CloudCodeError(
        'database_unreachable',
        `None of the hosts of the database can be used: ${servers.troubles()}.`,
        {
          hint: 'One of them has to be the primary: the server that takes writes.',
          cause,
        },
      );
    }
  }
}
