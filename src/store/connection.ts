import type { PoolConfig } from 'pg';

/** How long the answer to a statement may take, unless it says otherwise. Then its connection is taken for lost: packets may vanish without an error. */
export const statementLimitMs = 15_000;
const connectLimitMs = 10_000;

type ConnectionConfig = Pick<PoolConfig, 'connectionString' | 'application_name' | 'connectionTimeoutMillis' | 'keepAlive' | 'keepAliveInitialDelayMillis' | 'query_timeout'>;

/** @param limitMs of a statement; null for a connection whose statements take as long as they take */
export function connectionConfig(url: string, limitMs: number | null): ConnectionConfig {
  return {
    connectionString: url,
    application_name: 'cloudcode',
    connectionTimeoutMillis: Math.min(connectLimitMs, limitMs ?? connectLimitMs),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(limitMs === null ? {} : { query_timeout: limitMs }),
  };
}

/**
 * What a connection is set to before it is used. A server may be set to round what it shows of numbers. And it must give up by itself a client that it does not hear of any more: one that
 * is stopped or cut off in the middle of a transaction must not hold its locks, which would keep its queues standing. What a server does not know it leaves out.
 * The cost of a random page is set to that of a solid-state disk: by the default, of a spinning one, the planner reads a whole table of 10,000 runs to claim a hundred of them.
 */
export const sessionSettings = `
  set extra_float_digits = 1;
  set random_page_cost = 1.1;
  set cloudcode.rings_after_commit = 'on';
  set idle_in_transaction_session_timeout = '10s';
  do $$
  begin
    perform set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '3', false), set_config('tcp_keepalives_count', '3', false),
      set_config('tcp_user_timeout', '20000', false), set_config('client_connection_check_interval', '5000', false);
  exception when others then null;
  end $$`;
