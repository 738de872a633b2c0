import type { ClientConfig } from 'pg';

/** How long the answer to a statement may take, unless it says otherwise. Then its connection is taken for lost: packets may vanish without an error. */
export const statementLimitMs = 15_000;
const connectLimitMs = 10_000;

export interface ConnectionLimits {
  /** Of a statement; null for a connection whose statements take as long as they take. */
  readonly limitMs: number | null;
}

/** For the driver. */
export function connectionLimits({ limitMs }: ConnectionLimits): ClientConfig {
  return {
    connectionTimeoutMillis: Math.min(connectLimitMs, limitMs ?? connectLimitMs),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(limitMs === null ? {} : { query_timeout: limitMs }),
  };
}

/**
 * What a connection is set to before it is used, in one round trip, whatever its role, database or server is set to: what our statements and the driver take for granted.
 * - Statements and locks have our limits and no others, and an idle session is kept: it listens, or waits in the pool.
 * - Names, isolation, and how values are written and read are those of a server that nobody has set.
 * - A server must give up by itself a client that it does not hear of any more: one that is stopped or cut off in the middle of a transaction must not hold its locks, which would keep its
 *   queues standing.
 * - `synchronous_commit = off` would lose what was confirmed when the server crashes. Every other value has it on the server's own disk, and how much more is the owner's choice.
 * - The cost of a random page is set to that of a solid-state disk: by the default, of a spinning one, the planner reads a whole table of 10,000 runs to claim a hundred of them.
 *
 * A standby refuses to be set: nothing of ours works on one.
 *
 * What a server does not know (`transaction_timeout` before 17), or does not let us set, it leaves out.
 */
export const sessionSettings = `
  set statement_timeout = 0;
  set lock_timeout = 0;
  do $$
  declare wanted record;
  begin
    if pg_is_in_recovery() then raise 'it is a standby, which takes no writes' using errcode = 'read_only_sql_transaction'; end if;
    if current_setting('synchronous_commit') = 'off' then set synchronous_commit = 'on'; end if;
    for wanted in select * from (values
      ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '3'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '20000'),
      ('client_connection_check_interval', '5000'), ('transaction_timeout', '0'), ('session_replication_role', 'origin'), ('restrict_nonsystem_relation_kind', ''),
      ('plpgsql.extra_errors', 'none'), ('plpgsql.extra_warnings', 'none'), ('plpgsql.variable_conflict', 'error')) as each (name, value)
    loop
      begin
        perform set_config(wanted.name, wanted.value, false);
      exception when others then null;
      end;
    end loop;
  end $$;
  set extra_float_digits = 1;
  set random_page_cost = 1.1;
  set plan_cache_mode = auto;
  set gin_fuzzy_search_limit = 0;
  set idle_in_transaction_session_timeout = '10s';
  set idle_session_timeout = 0;
  set default_transaction_isolation = 'read committed';
  set default_transaction_read_only = off;
  set default_transaction_deferrable = off;
  set search_path = public;
  set row_security = on;
  set array_nulls = on;
  set transform_null_equals = off;
  set standard_conforming_strings = on;
  set client_encoding = 'UTF8';
  set timezone = 'UTC';
  set datestyle = 'ISO, MDY';
  set intervalstyle = 'postgres';
  set bytea_output = 'hex'`;
