/**
 * Every error that CloudCode raises on purpose, by its stable code. `docs/errors.md` lists the same codes; a test compares the two.
 * `status` is the HTTP status of the API's answer; `exitStatus` is the CLI's (2: wrong usage or refused input, 5: out of reach, 1: else).
 */
export const errorCatalogue = {
  // what scheduleTask refuses
  unknown_task: { status: 422, exitStatus: 2, title: 'The task does not exist in this environment' },
  unknown_option: { status: 422, exitStatus: 2, title: 'An option is not known' },
  invalid_task: { status: 422, exitStatus: 2, title: 'The task name is not valid' },
  invalid_parameters: { status: 422, exitStatus: 2, title: 'The parameters cannot be converted to JSON' },
  parameters_too_large: { status: 422, exitStatus: 2, title: 'The parameters are over 5 MB' },
  invalid_at: { status: 422, exitStatus: 2, title: 'The time to run is not valid' },
  invalid_after: { status: 422, exitStatus: 2, title: 'The delay is not valid' },
  at_and_after: { status: 422, exitStatus: 2, title: 'Both `at` and `after` are given' },
  invalid_queue: { status: 422, exitStatus: 2, title: 'The queue name is not valid' },
  invalid_key: { status: 422, exitStatus: 2, title: 'The key is not valid' },
  // runs
  run_not_found: { status: 404, exitStatus: 2, title: 'There is no such run' },
  run_not_final: { status: 409, exitStatus: 2, title: 'The run is not finished yet' },
  run_already_final: { status: 409, exitStatus: 2, title: 'The run is already finished' },
  run_succeeded: { status: 409, exitStatus: 2, title: 'The run succeeded; an answer is final' },
  key_taken: { status: 409, exitStatus: 2, title: 'Another run with this key is unfinished' },
  attempt_superseded: { status: 409, exitStatus: 1, title: 'Another attempt has taken over' },
  run_answered: { status: 409, exitStatus: 1, title: '`run` has answered' },
  object_changed: { status: 409, exitStatus: 1, title: 'The object was saved elsewhere since it was read' },
  object_destroyed: { status: 409, exitStatus: 1, title: 'The object was destroyed elsewhere' },
  object_not_found: { status: 404, exitStatus: 2, title: 'There is no such object' },
  batch_interrupted: { status: 503, exitStatus: 1, title: 'The batch is incomplete' },
  invalid_filter: { status: 422, exitStatus: 2, title: 'A filter is not valid' },
  environment_not_found: { status: 404, exitStatus: 2, title: 'There is no such environment' },
  invalid_environment: { status: 422, exitStatus: 2, title: 'The name of the environment is not valid' },
  environment_exists: { status: 409, exitStatus: 2, title: 'The environment is there already' },
  environment_deleting: { status: 409, exitStatus: 2, title: 'The environment is being deleted' },
  not_confirmed: { status: 422, exitStatus: 2, title: 'What is to be deleted was not named again' },
  invalid_variable: { status: 422, exitStatus: 2, title: 'A variable is not valid' },
  variable_not_found: { status: 404, exitStatus: 2, title: 'No such variable was set' },
  // data
  unknown_model: { status: 422, exitStatus: 2, title: 'The data model has no such model' },
  unknown_field: { status: 422, exitStatus: 2, title: 'The model has no such field' },
  invalid_expression: { status: 422, exitStatus: 2, title: 'An expression is not valid' },
  invalid_order: { status: 422, exitStatus: 2, title: 'An order is not valid' },
  invalid_value: { status: 422, exitStatus: 2, title: 'A value is not valid' },
  invalid_query: { status: 422, exitStatus: 2, title: 'A query is not valid' },
  batch_pending: { status: 409, exitStatus: 1, title: 'The batch is not settled yet' },
  file_replaced: { status: 409, exitStatus: 1, title: 'The stored file was replaced or removed' },
  // the project
  project_not_found: { status: 422, exitStatus: 2, title: 'The folder is no CloudCode project' },
  project_exists: { status: 409, exitStatus: 2, title: 'The folder is not empty' },
  invalid_config: { status: 422, exitStatus: 2, title: 'The configuration is not valid' },
  build_failed: { status: 503, exitStatus: 1, title: 'The build did not come to its end' },
  task_broken: { status: 422, exitStatus: 2, title: 'A task cannot be built' },
  packages_too_large: { status: 422, exitStatus: 2, title: 'The packages of a deployment are too large' },
  plug_n_play: { status: 422, exitStatus: 2, title: "The packages of the project are installed as Yarn Plug'n'Play" },
  files_too_large: { status: 422, exitStatus: 2, title: 'The files of a deployment are too large, or too many' },
  task_without_run: { status: 422, exitStatus: 2, title: 'A task does not export `run`' },
  task_name_clash: { status: 422, exitStatus: 2, title: 'Two tasks have the same name' },
  invalid_task_config: { status: 422, exitStatus: 2, title: 'The `config` of a task is not valid' },
  invalid_data_model: { status: 422, exitStatus: 2, title: 'The data model is not valid' },
  files_changed: { status: 409, exitStatus: 1, title: 'Files changed while they were being deployed' },
  data_model_conflict: { status: 409, exitStatus: 2, title: 'The data does not fit the new data model' },
  deploy_blocked: { status: 503, exitStatus: 1, title: 'Others hold up the deployment' },
  upload_not_found: { status: 404, exitStatus: 2, title: 'There is no such upload' },
  invalid_upload: { status: 422, exitStatus: 2, title: 'What was sent is not what it was said to be' },
  invalid_manifest: { status: 422, exitStatus: 2, title: 'The description of the deployment is not valid' },
  parts_missing: { status: 409, exitStatus: 1, title: 'Parts of the deployment were not sent' },
  check_failed: { status: 422, exitStatus: 2, title: 'A task of the deployment cannot be loaded' },
  deployment_not_found: { status: 404, exitStatus: 2, title: 'There is no such deployment' },
  deployment_pruned: { status: 409, exitStatus: 2, title: 'What the deployment was made of is gone' },
  deploy_failed: { status: 503, exitStatus: 1, title: 'The database refused a change of its tables' },
  // the edge
  wrong_usage: { status: 400, exitStatus: 2, title: 'The command is not understood' },
  invalid_body: { status: 400, exitStatus: 2, title: 'The body of the request is not valid' },
  body_too_large: { status: 413, exitStatus: 2, title: 'The body of the request is too large' },
  unsupported_media_type: { status: 415, exitStatus: 2, title: 'The body must be application/json' },
  forbidden_host: { status: 403, exitStatus: 2, title: 'The request did not come from this machine' },
  invalid_idempotency_key: { status: 422, exitStatus: 2, title: 'The Idempotency-Key is not valid' },
  idempotency_key_reused: { status: 422, exitStatus: 2, title: 'The Idempotency-Key came with another body before' },
  not_found: { status: 404, exitStatus: 2, title: 'There is nothing at this address' },
  host_refused: { status: 400, exitStatus: 2, title: 'The server listens on loopback only' },
  port_in_use: { status: 409, exitStatus: 2, title: 'The port is in use' },
  // the store
  database_unreachable: { status: 503, exitStatus: 5, title: 'The database cannot be reached' },
  invalid_database_url: { status: 400, exitStatus: 2, title: 'The URL of the database is not valid' },
  database_pooled: { status: 503, exitStatus: 5, title: 'A connection pooler does not keep sessions' },
  database_forbids: { status: 503, exitStatus: 5, title: 'The database does not let its user do what CloudCode needs' },
  database_unsuitable: { status: 503, exitStatus: 5, title: 'The database is set so that CloudCode cannot use it' },
  database_too_old: { status: 503, exitStatus: 5, title: 'The PostgreSQL server is too old' },
  database_without_icu: {
    status: 503,
    exitStatus: 5,
    title: 'The PostgreSQL server cannot compare text by the rules of Unicode',
  },
  database_newer: { status: 503, exitStatus: 5, title: 'The database belongs to a newer CloudCode' },
  database_unreleased: {
    status: 503,
    exitStatus: 5,
    title: 'The database was made before the first release of CloudCode',
  },
  embedded_failed: { status: 503, exitStatus: 5, title: 'The embedded PostgreSQL did not start' },
  embedded_unsupported: { status: 503, exitStatus: 5, title: 'The embedded PostgreSQL cannot run here' },
  embedded_other_version: { status: 503, exitStatus: 5, title: 'The data was made by another PostgreSQL version' },
  server_unreachable: { status: 503, exitStatus: 5, title: 'The server cannot be reached' },
  // the machine
  containment_unavailable: { status: 503, exitStatus: 2, title: 'The machine gives no cgroup for the workers' },
  folder_not_writable: { status: 422, exitStatus: 2, title: 'A folder cannot be written' },
  machine_unfit: { status: 503, exitStatus: 5, title: 'The machine cannot start runs' },
  guard_failed: { status: 503, exitStatus: 1, title: 'The process that guards the workers did not start' },
  master_key_missing: { status: 409, exitStatus: 2, title: 'There is no master key' },
  master_key_wrong: { status: 409, exitStatus: 2, title: 'The master key is another one' },
  master_key_invalid: { status: 409, exitStatus: 2, title: 'The master key cannot be used' },
  // campaigns
  chaos_unsupported: { status: 503, exitStatus: 5, title: 'A campaign cannot be carried out here' },
  chaos_failed: { status: 503, exitStatus: 1, title: 'A campaign could not be carried out' },
  internal: { status: 500, exitStatus: 1, title: 'Something went wrong inside CloudCode' },
} as const satisfies Record<string, { status: number; exitStatus: number; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;

/**
 * An error with a stable code. `message` says what happened, with the values; `hint` says what to do.
 */
export class CloudCodeError extends Error {
  override readonly name = 'CloudCodeError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** What the deployment of an attempt names is not there any more: the attempt cannot go on, and the next one has the new deployment. */
export class OutdatedDeployment extends CloudCodeError {}

export type { ErrorProperties, ErrorRecord } from './run-schema.ts';
