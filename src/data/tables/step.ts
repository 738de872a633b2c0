/** One step towards the tables of a data model. Each is whole by itself, and what is done is not planned again. */
export interface Step {
  /** What people are told: `adding table asset`. */
  readonly says: string;
  /** The table that has to be locked for it, for a moment; null when nobody is held up. */
  readonly locks: string | null;
  readonly sql: readonly string[];
}
