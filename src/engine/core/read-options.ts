/** What an object of options says, in itself or by its class; but not what a library has given to all objects. */
export function readOptions<Name extends string>(
  given: object,
  names: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> {
  const values = Object.create(null) as Partial<Record<Name, unknown>>;
  for (const name of names) if (says(given, name)) values[name] = (given as Record<Name, unknown>)[name];
  return values;
}

function says(given: object, name: string): boolean {
  for (
    let holder: unknown = given;
    typeof holder === 'object' && holder !== null && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder)
  ) {
    if (Object.hasOwn(holder, name)) return true;
  }
  return false;
}
