/** Whether a column may be given the wanted type with every value kept: any integer is a double. */
export function isWidening(stored: string | undefined, wanted: string): boolean {
  return stored === 'integer' && wanted === 'double precision';
}

/** Whether a column may stay as it is for a narrower type, as long as its values are of that: what was widened can be rolled back. */
export function isNarrowing(stored: string | undefined, wanted: string): boolean {
  return stored === 'double precision' && wanted === 'integer';
}

/**
 * The expression that makes a column's values into those of another type, for a person to judge: it may round, or fail where a value has no
 * counterpart. Null where there is none that most would want.
 */
export function conversion(column: string, from: string, to: string): string | null {
  const [stored, wanted] = [withoutCollation(from), withoutCollation(to)];
  if (stored === wanted) return column;
  const how = conversions[`${stored} to ${wanted}`];
  return how === undefined ? null : how(column);
}

function withoutCollation(type: string): string {
  return type.replace(/ collate .*$/, '');
}

const time = 'timestamp(3) with time zone';
const cast =
  (type: string) =>
  (column: string): string =>
    `${column}::${type}`;
const list = (column: string): string => `case when ${column} is not null then array[${column}] end`;

const conversions: Readonly<Record<string, (column: string) => string>> = {
  'text to integer': cast('integer'),
  'text to double precision': cast('double precision'),
  'text to boolean': cast('boolean'),
  'text to date': cast('date'),
  [`text to ${time}`]: cast(time),
  'text to uuid': cast('uuid'),
  'text to text[]': list,
  'integer to text': cast('text'),
  'integer to boolean': cast('boolean'),
  'integer to integer[]': list,
  'double precision to text': cast('text'),
  'double precision to integer': (column) => `round(${column})::integer`,
  'boolean to text': cast('text'),
  'boolean to integer': cast('integer'),
  'boolean to double precision': (column) => `${column}::integer::double precision`,
  'uuid to text': cast('text'),
  'date to text': (column) => `to_char(${column}, 'YYYY-MM-DD')`,
  [`date to ${time}`]: (column) => `${column}::timestamp at time zone 'UTC'`,
  [`${time} to text`]: (column) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  [`${time} to date`]: (column) => `(${column} at time zone 'UTC')::date`,
  'integer[] to text[]': cast('text[]'),
  'text[] to integer[]': cast('integer[]'),
};
