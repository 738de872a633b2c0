-- A deployment is a state of a project wherever its folder lies: its digest leaves the folder out, and a second one tells its settings (variables, retention, queues).
-- An environment thereby knows a state that it has had before. Digests from before this migration held the folder, so they are nobody's.
alter table cloudcode.deployments add column settings_digest text;
