import type { NamedDraft } from './check-data-model-names.ts';
import { validName } from './check-data-model-names.ts';
import type { Report } from './data-model-draft.ts';

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
