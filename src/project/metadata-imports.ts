/** How a compiler names a type in metadata when it cannot know whether there is a value of that name: TypeScript, then SWC. */
const mentions = [
  /(typeof \(_\w+ = typeof )([\w$]+)( !== "undefined" && )\2(?=\))/g,
  /(typeof )([\w$]+)( === "undefined" \? Object : )\2(?![\w$])/g,
];

/**
 * Lets the metadata of a compiled file name imported types by way of their module: an interface is then undefined there, and `Object` in the metadata, as where the whole program is compiled. As
 * an import of its own it would be an error, since no value has its name; esbuild drops the one that is left, which nothing uses.
 */
export function importTypesLoosely(code: string): string {
  const imported = importsOf(code);
  const used = new Map<string, string>();
  const nameOf = (local: string): string | null => {
    const found = imported.get(local);
    if (found === undefined) return null;
    const namespace = used.get(found.from) ?? `__cloudcode_types_${used.size}`;
    used.set(found.from, namespace);
    return `${namespace}.${found.name}`;
  };
  const loose = mentions.reduce(
    (text, mention) =>
      text.replaceAll(mention, (whole, before: string, local: string, between: string) => {
        const name = nameOf(local);
        return name === null ? whole : `${before}${name}${between}${name}`;
      }),
    code,
  );
  const imports = [...used].map(([from, namespace]) => `import * as ${namespace} from ${from};`).join('');
  // No line before it changes, and the source map stays the last.
  const end = loose.lastIndexOf('\n//# sourceMappingURL=');
  return imports === '' ? code : `${loose.slice(0, end)}\n${imports}${loose.slice(end)}`;
}

/** The named and default imports, by the names that they have here. `from` is in its quotes. */
function importsOf(code: string): ReadonlyMap<string, { readonly name: string; readonly from: string }> {
  const found = new Map<string, { readonly name: string; readonly from: string }>();
  for (const [, first = '', named = '', from = ''] of code.matchAll(
    /^import (?:([\w$]+)(?:, )?)?(?:\{([^}]*)\})? from ((['"])[^'"\n]+\4);/gm,
  )) {
    if (first !== '') found.set(first, { name: 'default', from });
    for (const part of named.split(',')) {
      const [name = '', local = name] = part.trim().split(' as ');
      if (/^[\w$]+$/.test(name)) found.set(local, { name, from });
    }
  }
  return found;
}
