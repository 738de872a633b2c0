-- Answers that are kept for those who ask again with the same Idempotency-Key. A row is written in the transaction of what was asked for.

create table cloudcode.idempotency_keys (
  -- Without a foreign key, as in runs: a deployment holds the row of its environment.
  environment_id  integer not null,
  operation       text not null,
  key             text not null,
  -- SHA-256 of what was asked for.
  asked           bytea not null check (octet_length(asked) = 32),
  created_at      timestamptz not null default now(),
  -- Nobody but its own transaction sees a row without an answer.
  status          smallint,
  location        text,
  answer          text,
  primary key (environment_id, operation, key)
);

create index idempotency_keys_created_at on cloudcode.idempotency_keys (created_at);
