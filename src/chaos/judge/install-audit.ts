import type { Queryable } from '../../engine/store/open-store.ts';

/**
 * Records what happens to runs and attempts, by triggers that know nothing of the rules they are checked for. A record is part of the transaction that it tells of.
 *
 * A claim's snapshot is taken in a trigger function that is declared `stable`, and so runs in the snapshot of the claiming statement itself.
 */
const auditSql = `
  create schema chaos_audit;
  create table chaos_audit.changes (
    seq bigint generated always as identity primary key, at timestamptz not null default clock_timestamp(), xid xid8 not null default pg_current_xact_id(),
    run uuid not null, queue text, before text, after text not null, fence bigint, attempt integer not null, attempt_limit integer not null,
    due_at timestamptz not null, run_seq bigint not null, woke_at timestamptz not null, wake_at timestamptz not null, snapshot text, is_stale boolean not null default false
  );
  create table chaos_audit.ends (
    seq bigint generated always as identity primary key, xid xid8 not null default pg_current_xact_id(),
    run uuid not null, number integer not null, fence bigint not null, outcome text not null
  );
  create table chaos_audit.late_lines (xid xid8 not null default pg_current_xact_id(), run uuid not null, attempt integer not null);
  create table chaos_audit.writes (mark uuid not null, run uuid not null, fence bigint not null, queue text, is_stale boolean not null);
  create table chaos_audit.additions (seq bigint generated always as identity primary key, fence double precision not null, is_stale boolean not null);
  create table chaos_audit.pauses (seq bigint generated always as identity primary key, at timestamptz not null default clock_timestamp(), queue text not null, is_paused boolean not null);

  create function chaos_audit.is_stale(of_run uuid, with_fence bigint) returns boolean language sql volatile as $$
    select not exists (select from cloudcode.runs where id = of_run and state = 'running' and (with_fence is null or fence = with_fence))
  $$;

  create function chaos_audit.note_snapshot() returns trigger language plpgsql stable as $$
  begin
    perform set_config('chaos_audit.snapshot', pg_current_snapshot()::text, true);
    return new;
  end
  $$;
  create trigger chaos_note_snapshot before update on cloudcode.runs
    for each row when (new.state = 'running' and old.state <> 'running') execute function chaos_audit.note_snapshot();

  create function chaos_audit.run_changed() returns trigger language plpgsql as $$
  begin
    insert into chaos_audit.changes (run, queue, before, after, fence, attempt, attempt_limit, due_at, run_seq, woke_at, wake_at, snapshot)
    values (new.id, new.queue, old.state, new.state, new.fence, new.attempt_count, new.attempt_limit, new.due_at, new.seq, old.wake_at, new.wake_at,
      case when new.state = 'running' then current_setting('chaos_audit.snapshot') end);
    return null;
  end
  $$;
  create trigger chaos_run_changed after update on cloudcode.runs
    for each row when (old.state is distinct from new.state or old.fence is distinct from new.fence) execute function chaos_audit.run_changed();

  create function chaos_audit.run_added() returns trigger language plpgsql as $$
  begin
    insert into chaos_audit.changes (run, queue, after, fence, attempt, attempt_limit, due_at, run_seq, woke_at, wake_at, is_stale)
    values (new.id, new.queue, new.state, new.fence, new.attempt_count, new.attempt_limit, new.due_at, new.seq, new.wake_at, new.wake_at,
      new.scheduled_by is not null and chaos_audit.is_stale(new.scheduled_by, (new.parameters ->> 'by')::bigint));
    return null;
  end
  $$;
  create trigger chaos_run_added after insert on cloudcode.runs for each row execute function chaos_audit.run_added();

  create function chaos_audit.attempt_ended() returns trigger language plpgsql as $$
  begin
    insert into chaos_audit.ends (run, number, fence, outcome) values (new.id, new.attempt_count, new.fence, new.outcome);
    return null;
  end
  $$;
  create trigger chaos_attempt_ended after update on cloudcode.runs
    for each row when (new.outcome is not null and (old.outcome is distinct from new.outcome or old.state = new.state and coalesce(old.attempt_finished_at, old.finished_at) is distinct from coalesce(new.attempt_finished_at, new.finished_at)))
    execute function chaos_audit.attempt_ended();

  create function chaos_audit.line_added() returns trigger language plpgsql as $$
  begin
    if not exists (select from cloudcode.runs where id = new.run_id and state = 'running' and attempt_count = new.attempt) then
      insert into chaos_audit.late_lines (run, attempt) values (new.run_id, new.attempt);
    end if;
    return null;
  end
  $$;
  create trigger chaos_line_added after insert on cloudcode.log_lines for each row execute function chaos_audit.line_added();

  create function chaos_audit.mark_added() returns trigger language plpgsql as $$
  begin
    insert into chaos_audit.writes (mark, run, fence, queue, is_stale)
    values (new.id, new.run::uuid, new.fence::bigint, new.queue, chaos_audit.is_stale(new.run::uuid, new.fence::bigint));
    return null;
  end
  $$;

  create function chaos_audit.fence_added() returns trigger language plpgsql as $$
  declare
    added double precision := new.fences - old.fences;
  begin
    insert into chaos_audit.additions (fence, is_stale) values (added, not exists (select from cloudcode.runs where state = 'running' and fence = added));
    return null;
  end
  $$;

  create function chaos_audit.queue_paused() returns trigger language plpgsql as $$
  begin
    insert into chaos_audit.pauses (queue, is_paused) values (new.name, new.paused);
    return null;
  end
  $$;
  create trigger chaos_queue_paused after insert or update on cloudcode.queues for each row execute function chaos_audit.queue_paused()`;

/** Begins to record: before anything is scheduled. The database is a scratch one: nothing takes the audit away again. */
export async function installAudit(db: Queryable): Promise<void> {
  await db.query({ name: '', text: `do $install$ begin execute $sql$${auditSql}$sql$; end $install$` });
}

/** Records what is written to the models `mark` and `counter` of the campaign's project, which must have been deployed, and makes the only counter. */
export async function auditMarks(db: Queryable): Promise<void> {
  const schema = await schemaOfMarks(db);
  await db.query({
    name: '',
    text: `insert into ${schema}.counter (id, fences) values ('00000000-0000-7000-8000-000000000001', 0)`,
  });
  await db.query({
    name: '',
    text: `create trigger chaos_fence_added after update on ${schema}.counter for each row execute function chaos_audit.fence_added()`,
  });
  await db.query({
    name: '',
    text: `create trigger chaos_mark_added after insert or update on ${schema}.mark for each row execute function chaos_audit.mark_added()`,
  });
}

/** The schema of the campaign's environment, quoted. */
export async function schemaOfMarks(db: Queryable): Promise<string> {
  const [row] = await db.query<{ schema: string }>({
    name: '',
    text: "select quote_ident(schemaname) as schema from pg_tables where tablename = 'mark' and schemaname <> 'chaos_audit'",
  });
  if (row === undefined) throw new Error('the project of the campaign, with its model `mark`, is not deployed');
  return row.schema;
}
