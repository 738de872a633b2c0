export interface JsonLoss {
  /** What the value is: `a Map`. */
  readonly is: string;
  /** What to pass in its place. */
  readonly fix: string;
}

const bytes: JsonLoss = {
  is: 'binary data',
  fix: "Pass bytes as text, Buffer.from(bytes).toString('base64'), and numbers as an array, Array.from(numbers).",
};

/** By what `Object.prototype.toString` calls them, also those of other realms. */
const losses: Readonly<Record<string, JsonLoss>> = {
  Map: { is: 'a Map', fix: 'Pass Object.fromEntries(map), or [...map].' },
  Set: { is: 'a Set', fix: 'Pass an array: [...set].' },
  Promise: { is: 'a promise', fix: 'Await it first.' },
  RegExp: { is: 'a regular expression', fix: 'Pass its text: regexp.source.' },
  Error: { is: 'an error', fix: 'Pass what the task needs of it: { message: error.message }.' },
  ArrayBuffer: bytes,
  SharedArrayBuffer: bytes,
  DataView: bytes,
};

/** JSON has a form for what they hold. */
const boxes = ['Number', 'String', 'Boolean'];

/** What JSON would leave out or twist of an object without a word, apart from what is in it; null when it keeps what its author sees. The object has no `toJSON`, or is what that gave. */
export function findJsonLoss(value: object): JsonLoss | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return null;
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (ArrayBuffer.isView(value)) return bytes;
  if (Object.hasOwn(losses, kind)) return losses[kind] ?? null;
  if (boxes.includes(kind) || Object.keys(value).length > 0) return null;
  // An object of another realm (a vm context) has another Object.prototype, whose prototype is null like ours.
  if (Object.getPrototypeOf(prototype) === null) return null;
  const name = (value.constructor as { readonly name?: unknown } | undefined)?.name;
  return {
    is: `an object of class ${typeof name === 'string' && name !== '' ? name : kind}`,
    fix: 'Pass what the task needs of it as a plain object, an array or text.',
  };
}
