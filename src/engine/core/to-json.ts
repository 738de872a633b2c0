/**
 * `JSON.stringify`, whatever `toJSON` a library has put on the prototype of all arrays or all objects: that would change what JSON has a form for. One of a class, or an object's own, counts.
 * @param replace sees each value as `JSON.stringify` shows it, and gives what takes its place
 */
export function toJson(
  value: unknown,
  replace?: (holder: Readonly<Record<string, unknown>>, key: string, value: unknown) => unknown,
): string | undefined {
  // Both prototypes at once: that of all objects is the prototype of the other.
  const isChanged = 'toJSON' in Array.prototype;
  if (!isChanged && replace === undefined) return JSON.stringify(value);
  return JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, key: string, converted: unknown) {
    const own = isChanged && hasGeneralToJson(this[key]) ? this[key] : converted;
    return replace === undefined ? own : replace(this, key, own);
  });
}

function hasGeneralToJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return false;
  const { toJSON } = value;
  return toJSON === Reflect.get(Array.prototype, 'toJSON') || toJSON === Reflect.get(Object.prototype, 'toJSON');
}
