import { CloudCodeError } from './errors.ts';

/** What is asked for of one variable. */
export interface VariableToSet {
  readonly name: string;
  readonly value: string;
  /** Absent: as it is, and not masked when it is new. */
  readonly masked?: boolean | undefined;
}

export const variableLimits = {
  nameLength: 200,
  /** Of a value, in bytes of UTF-8. */
  valueBytes: 64 * 1024,
  /** What is shorter would be replaced everywhere in the output, and so tell what it is. */
  maskedLength: 4,
  /** Of an environment. */
  count: 1_000,
  bytes: 1024 * 1024,
} as const;

const pattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws CloudCodeError `invalid_variable` */
export function checkVariableName(name: string): void {
  if (name.length <= variableLimits.nameLength && pattern.test(name)) {
    if (!name.startsWith('CLOUDCODE_')) return;
    throw new CloudCodeError('invalid_variable', `\`${name}\` cannot be set: CLOUDCODE_… are CloudCode's own.`, {
      hint: 'Give it another name.',
    });
  }
  throw new CloudCodeError(
    'invalid_variable',
    `${JSON.stringify(shortened(name))} cannot be the name of a variable: it must be letters, digits and \`_\`, not begin with a digit, and have at most ${variableLimits.nameLength} characters.`,
    { hint: name.includes('=') ? 'Name and value are two arguments: cloudcode variables set NAME VALUE.' : undefined },
  );
}

/** Never says the value. @throws CloudCodeError `invalid_variable` */
export function checkVariableValue({ name, value }: VariableToSet, masked: boolean): void {
  const refuse = (why: string, hint?: string): never => {
    throw new CloudCodeError('invalid_variable', `The value of \`${name}\` ${why}.`, { hint });
  };
  if (value.includes('\0')) refuse('holds the character U+0000, which no environment variable can');
  if (!value.isWellFormed()) refuse('holds half of a character (a lone surrogate)');
  const bytes = bytesOf(value);
  if (bytes > variableLimits.valueBytes)
    refuse(
      `has ${bytes} bytes, and the limit is ${variableLimits.valueBytes}`,
      'Keep large things in a file of the project or in the database.',
    );
  if (masked && value.length < variableLimits.maskedLength)
    refuse(
      `has ${value.length} characters; one that is masked must have ${variableLimits.maskedLength} at least`,
      'What is shorter would be replaced by *** wherever it stands in the output, and so be told.',
    );
}

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** All of an environment's. @throws CloudCodeError `invalid_variable` */
export function checkVariablesTogether(count: number, bytes: number): void {
  if (count <= variableLimits.count && bytes <= variableLimits.bytes) return;
  throw new CloudCodeError(
    'invalid_variable',
    `The environment would have ${count} variables of ${bytes} bytes; the limits are ${variableLimits.count} and ${variableLimits.bytes}.`,
    { hint: 'Unset what is not needed any more: cloudcode variables list.' },
  );
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
