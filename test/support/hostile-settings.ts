/** What somebody may have set for other programs, and what our sessions need. */
export const hostileSettings: readonly (readonly [name: string, hostile: string, ours: string])[] = [
  ['statement_timeout', '2s', '0'],
  ['lock_timeout', '1s', '0'],
  ['idle_session_timeout', '1s', '0'],
  ['idle_in_transaction_session_timeout', '1ms', '10s'],
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['default_transaction_read_only', 'on', 'off'],
  ['default_transaction_deferrable', 'on', 'off'],
  ['search_path', 'nowhere', 'public'],
  ['row_security', 'off', 'on'],
  ['array_nulls', 'off', 'on'],
  ['transform_null_equals', 'on', 'off'],
  ['standard_conforming_strings', 'off', 'on'],
  ['timezone', 'Asia/Kolkata', 'UTC'],
  ['datestyle', 'SQL, DMY', 'ISO, MDY'],
  ['intervalstyle', 'iso_8601', 'postgres'],
  ['extra_float_digits', '0', '1'],
  ['bytea_output', 'escape', 'hex'],
  ['plan_cache_mode', 'force_generic_plan', 'auto'],
  ['gin_fuzzy_search_limit', '1', '0'],
  ['plpgsql.extra_errors', 'all', 'none'],
  ['synchronous_commit', 'off', 'on'],
];

/** The text that sets one of them: `set timezone = 'Asia/Kolkata'`. */
export function settingText(name: string, value: string): string {
  return `set ${name} = ${value.includes(',') ? value : `'${value}'`}`;
}
