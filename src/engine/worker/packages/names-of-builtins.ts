// V8 reads a pattern when it comes to it: in functions, as every worker has this file and few use it.

/** A word `import` that is neither a static import nor `import('…')` with a plain text: what it asks for may be told by a variable. */
const otherImport = (): RegExp =>
  /\bimport\b(?!\s*[\w$*{"']|\.meta\.(?:url|filename|dirname)\b|\s*\(\s*(["'])[\w@:./-]*\1\s*\))/;
/** A letter that is written as its number may be part of any name. */
const escapedLetter = (): RegExp => /\\u(?:00[2-7][\da-f]|\{0*[2-7][\da-f]\})/i;
/** Comments that fill lines. What stands in a template and looks like one holds no code. */
const comments = (): RegExp =>
  /^[\t ]*(?:\/\/(?!.*(?:`|\$\{)).*$|\/\*(?:(?!\*\/).)*(?:\n[\t ]*\*(?!\/)(?:(?!\*\/).)*)*(?:\n[\t ]*)?\*\/[\t ]*$)/gm;
/** What stands between a word and what is imported. */
const commentBetween = (): RegExp => /\b(?:from|import)\s*\/[*/]/;
const statement = (specifier: string): RegExp =>
  new RegExp(`\\bimport\\s*([\\w$*{][^"'\`;()]*?)\\s*\\bfrom\\s*(["'])${specifier}\\2`, 'g');
const clause = (): RegExp => /^(?:([\w$]+)(?:\s*,\s*(?=[*{]))?)?(?:\*\s*as\s+([\w$]+)|\{([\w$\s,]*)\})?$/;

/**
 * The names by which an ES module uses what it imports of a builtin module, without `default`. Null where its text does not make that plain: the whole namespace is passed on, `import()` asks for it, ….
 * Only of a text that Node has linked.
 */
export function namesUsed(source: string, specifier: string): readonly string[] | null {
  const text = source.replaceAll(comments(), '');
  if (!/^[\w:/]+$/.test(specifier) || otherImport().test(text) || /\beval\b/.test(text) || commentBetween().test(text))
    return null;
  const found = [...text.matchAll(statement(specifier))];
  const asked = text.match(new RegExp(`\\b(?:from|import)\\s*\\(?\\s*(["'])${specifier}\\1`, 'g')) ?? [];
  if (found.length === 0 || asked.length !== found.length) return null;
  const rest = text.replaceAll(statement(specifier), '');
  const names = new Set<string>();
  for (const [, what = ''] of found) {
    const [isClause, , namespace, list = ''] = clause().exec(what) ?? [];
    if (isClause === undefined) return null;
    for (const item of list.split(',').map((one) => one.trim())) if (item !== '') names.add(item.split(/\s/)[0] ?? '');
    const members = namespace === undefined ? [] : membersUsed(rest, namespace);
    if (members === null) return null;
    for (const name of members) names.add(name);
  }
  names.delete('default');
  return [...names].toSorted();
}

/** `['Agent']` of `http` for `new http.Agent()`; null where it stands alone, but for `http.default || http`. */
function membersUsed(text: string, namespace: string): ReadonlySet<string> | null {
  if (escapedLetter().test(text)) return null;
  const name = `(?<![\\w$])${namespace.replaceAll('$', String.raw`\$`)}(?![\\w$])`;
  const plain = text.replaceAll(
    new RegExp(`(${name}\\s*\\.\\s*default\\s*(?:\\|\\||\\?\\?)\\s*)${name}(?!\\s*[.[(])`, 'g'),
    '$1',
  );
  const uses = plain.matchAll(new RegExp(`(["'\`/]?)${name}(?!://)(?:\\s*\\??\\.\\s*([A-Za-z_$][\\w$]*))?`, 'g'));
  const members = new Set<string>();
  for (const [, before, member] of uses) {
    if (member !== undefined) members.add(member);
    // In quotes or in a path it is a word.
    else if (before === '') return null;
  }
  return members;
}
