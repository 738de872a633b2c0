/** One SQL statement: named, so that the server prepares it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values?: readonly unknown[];
  /** How long its answer may take, if that is more than usual. */
  readonly limitMs?: number;
}

/** What runs statements: the store, or one transaction of it. */
export interface Queryable {
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>;
}
