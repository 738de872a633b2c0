import type { Report, Where } from './data-model-draft.ts';

export interface NamedDraft {
  readonly where: Where;
  readonly name: string | null;
  /** What to do when the name is taken. */
  readonly hint?: string;
}

type Named = 'model' | 'field' | 'belongs-to' | 'has-many' | 'index';

const validName = /^[A-Za-z][A-Za-z0-9_]{0,39}$/;

/** What every object has (`asset.save()`), by itself or from Object.prototype. */
const namesOfObjects = [
  'id',
  'save',
  'reload',
  'destroy',
  'toJSON',
  'then',
  ...Object.getOwnPropertyNames(Object.prototype),
];
/** PostgreSQL refuses them as columns. */
const namesOfPostgres = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];
const namesOfDb = ['Batch', 'then', 'toJSON', ...Object.getOwnPropertyNames(Object.prototype)];

/** The name, or a stand-in for one that is missing or cannot be. */
export function checkName({ where, name }: NamedDraft, kind: Named, report: Report): string {
  if (name === null) {
    report(where, 'the name is missing.', 'Give it a `name`.');
    return '';
  }
  if (!validName.test(name)) {
    report(
      where,
      `${JSON.stringify(name)} cannot be the name of ${kind === 'index' ? 'an' : 'a'} ${kind}.`,
      'A name begins with a letter from a to z, holds such letters, digits and `_` only, and has at most 40 characters.',
    );
  } else if (kind !== 'index') refuseReserved({ where, name, kind }, report);
  return name;
}

function refuseReserved(
  { where, name, kind }: { readonly where: Where; readonly name: string; readonly kind: Named },
  report: Report,
): void {
  if (kind === 'model') {
    if (namesOfDb.includes(name))
      report(
        where,
        `"${name}" cannot be the name of a model: \`DB.${name}\` is something else.`,
        'Choose another name.',
      );
    return;
  }
  const lower = name.toLowerCase();
  const taken = namesOfObjects.find((other) => other.toLowerCase() === lower);
  if (taken !== undefined)
    report(
      where,
      `"${name}" cannot be the name of a ${kind}: every object has its own \`${taken}\`.`,
      'Choose another name.',
    );
  else if (namesOfPostgres.includes(lower))
    report(where, `"${name}" cannot be the name of a ${kind}: PostgreSQL keeps it for itself.`, 'Choose another name.');
}

/** Refuses each name that an earlier one has already, whatever the case. */
export function refuseDoubles(drafts: readonly NamedDraft[], report: Report): void {
  const seen = new Map<string, NamedDraft>();
  const refused = new Set<Where>();
  for (const draft of drafts) {
    if (draft.name === null) continue;
    const earlier = seen.get(draft.name.toLowerCase());
    if (earlier === undefined) seen.set(draft.name.toLowerCase(), draft);
    else if (!refused.has(draft.where)) {
      // A belongs-to has two names: that both are taken is one mistake.
      refused.add(draft.where);
      const sameText = earlier.name === draft.name;
      const hint =
        draft.hint ?? earlier.hint ?? (sameText ? undefined : 'Names that differ only in case count as the same.');
      report(draft.where, `duplicate name "${draft.name}": it is taken by ${earlier.where.text}.`, hint);
    }
  }
}

type RenamedDraft = NamedDraft & { readonly renamedFrom: string | null };

/** Reports former names that cannot have been, that are still in use, or that two claim. */
export function checkRenames(drafts: readonly RenamedDraft[], kind: 'model' | 'field', report: Report): void {
  const claimed = new Map<string, RenamedDraft>();
  for (const draft of drafts) {
    const { where, name, renamedFrom: former } = draft;
    if (former === null) continue;
    const earlier = claimed.get(former);
    if (!validName.test(former))
      report(
        where,
        `it is renamed from ${JSON.stringify(former)}, which cannot have been a name.`,
        'Give the name that it had.',
      );
    else if (former === name)
      report(where, 'it is renamed from its own name.', 'Give the name that it had, or leave it out.');
    else if (drafts.some((other) => other.name === former))
      report(
        where,
        `it is renamed from "${former}", and the ${kind} ${former} is there still.`,
        'Leave one of the two out.',
      );
    else if (earlier !== undefined)
      report(where, `it is renamed from "${former}", as ${earlier.where.text} is.`, 'Leave it out at one of the two.');
    claimed.set(former, draft);
  }
}

/** As a part of a model, where there is one: a model without is the same as before there were any. */
export function renamedFrom({ renamedFrom: former }: { readonly renamedFrom: string | null }): {
  readonly renamedFrom?: string;
} {
  return former === null ? {} : { renamedFrom: former };
}
