/**
 * Up to here the number of rows that a statement is about is part of its text, and of its name. The server plans a prepared statement once only when that promises to cost no more than
 * to plan it each time; but of a number that is a parameter it expects the worst (a tenth of the table for a limit, a hundred rows for an array), and for a single row planning
 * takes as long as the rest. See "Plan Caching" in PostgreSQL's documentation of PREPARE.
 */
const maxFixed = 16;

/** A statement's name, and the limit in its text, for a number of rows. @param parameter stands for numbers that are too large for statements of their own; null: no limit */
export function planOnce(
  name: string,
  rows: number,
  parameter: string | null,
): { readonly name: string; readonly limit: string; readonly isFixed: boolean } {
  const isFixed = rows <= maxFixed;
  return {
    isFixed,
    name: isFixed ? `${name}_${rows}` : name,
    limit: isFixed ? `limit ${rows}` : parameter === null ? '' : `limit ${parameter}`,
  };
}
