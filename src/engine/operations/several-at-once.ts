/** Does work for each item, for so many of them at a time. When one fails no other is begun, and those under way are waited for. @throws what the first that failed threw */
export async function severalAtOnce<Item>(
  items: Iterable<Item>,
  max: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const workThrough = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true && failures.length === 0; next = left.next()) {
      await work(next.value).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: max }, workThrough));
  if (failures.length > 0) throw failures[0];
}
