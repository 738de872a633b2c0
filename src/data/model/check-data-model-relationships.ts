import { checkName, renamedFrom } from './check-data-model-names.ts';
import type { BelongsTo, HasMany } from './data-model.ts';
import type { BelongsToDraft, HasManyDraft, ModelDraft, Report, Where } from './data-model-draft.ts';
import { suggest } from '../../engine/core/suggest.ts';

type Models = ReadonlyMap<string | null, ModelDraft>;

/** The belongs-to; its name is the model's unless it has one of its own. */
export function checkBelongsTo(draft: BelongsToDraft, models: Models, report: Report): BelongsTo {
  const { where, name, model } = draft;
  const target = findModel({ where, model }, models, report);
  // Without a name of its own there is nothing to say about it that was not said about the model.
  const checked = name === null ? (model ?? '') : checkName({ where, name }, 'belongs-to', report);
  if (name === null && target !== null) checkName({ where, name: model }, 'belongs-to', report);
  return { name: checked, model: model ?? '', ...renamedFrom(draft) };
}

interface HasManyContext {
  readonly owner: ModelDraft;
  readonly models: Models;
}

/** The has-many, with the belongs-to of the other model that it is the inverse of. */
export function checkHasMany(draft: HasManyDraft, { owner, models }: HasManyContext, report: Report): HasMany {
  const name = checkName(draft, 'has-many', report);
  const target = findModel(draft, models, report);
  const inverseOf = target === null ? null : findInverse(draft, { owner, target }, report);
  return { name, model: draft.model ?? '', inverseOf: inverseOf ?? '' };
}

function findModel(
  { where, model }: { readonly where: Where; readonly model: string | null },
  models: Models,
  report: Report,
): ModelDraft | null {
  if (model === null) {
    report(where, 'the model is missing.', 'Name the other model with `model`.');
    return null;
  }
  const found = models.get(model);
  if (found !== undefined) return found;
  const nearest = suggest(
    model,
    [...models.keys()].filter((known) => known !== null),
  );
  report(
    where,
    `there is no model ${JSON.stringify(model)}.`,
    nearest === null ? undefined : `Did you mean \`${nearest}\`?`,
  );
  return null;
}

function findInverse(
  { where, inverseOf }: HasManyDraft,
  { owner, target }: { readonly owner: ModelDraft; readonly target: ModelDraft },
  report: Report,
): string | null {
  if (owner.name === null) return null;
  const back = target.belongsTo
    .filter(({ model }) => model === owner.name)
    .map(({ name, model }) => name ?? model ?? '');
  const other = `model ${target.name ?? ''}`;
  const [only] = back;
  if (only === undefined) {
    report(
      where,
      `${other} has no belongs-to back to model ${owner.name}.`,
      `A has-many is the other side of a belongs-to: add one to ${other}.`,
    );
    return null;
  }
  if (inverseOf === null && back.length > 1) {
    report(
      where,
      `${other} belongs to ${owner.name} in several ways: ${back.join(', ')}.`,
      'Name the one that is meant: `inverse-of` in schema.xml, `inverseOf` in data-model.ts.',
    );
    return null;
  }
  if (inverseOf === null) return only;
  if (back.includes(inverseOf)) return inverseOf;
  const nearest = suggest(inverseOf, back);
  report(
    where,
    `${other} has no belongs-to ${JSON.stringify(inverseOf)} back to model ${owner.name}.`,
    nearest === null ? `There is ${back.join(', ')}.` : `Did you mean \`${nearest}\`?`,
  );
  return null;
}
