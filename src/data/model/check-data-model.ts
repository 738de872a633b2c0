import { checkName, checkRenames, type NamedDraft, refuseDoubles, renamedFrom } from './check-data-model-names.ts';
import { checkField } from './check-data-model-field.ts';
import { checkBelongsTo, checkHasMany } from './check-data-model-relationships.ts';
import { checkDisplay, checkIndexes, checkWebhooks } from './check-data-model-rest.ts';
import { type DataModel, labelOf, type Model } from './data-model.ts';
import type { DataModelProblem, ModelDraft, Report } from './data-model-draft.ts';

export type CheckedDataModel =
  | { readonly dataModel: DataModel; readonly problems: readonly [] }
  | { readonly dataModel: null; readonly problems: readonly DataModelProblem[] };

/** The data model that a draft comes to, or all that is wrong with it. */
export function checkDataModel(models: readonly ModelDraft[], taskNames: readonly string[]): CheckedDataModel {
  const problems: DataModelProblem[] = [];
  const report: Report = (where, message, hint) => void problems.push({ where, message, hint });
  refuseDoubles(models, report);
  checkRenames(models, 'model', report);
  const byName = new Map(models.map((model) => [model.name, model]));
  // What is wrong gets a stand-in, so that all of the rest is looked at too.
  const checked = models.map((model) => checkModel(model, { models: byName, taskNames, report }));
  return problems.length > 0 ? { dataModel: null, problems } : { dataModel: { models: checked }, problems: [] };
}

interface Context {
  readonly models: ReadonlyMap<string | null, ModelDraft>;
  readonly taskNames: readonly string[];
  readonly report: Report;
}

function checkModel(model: ModelDraft, { models, taskNames, report }: Context): Model {
  const name = checkName(model, 'model', report);
  const fields = model.fields.map((field) => checkField(field, report));
  const belongsTo = model.belongsTo.map((one) => checkBelongsTo(one, models, report));
  const hasMany = model.hasMany.map((one) => checkHasMany(one, { owner: model, models }, report));
  refuseDoubles(membersOf(model), report);
  checkRenames(
    [...model.fields, ...model.belongsTo.map((one) => ({ ...one, name: one.name ?? one.model }))],
    'field',
    report,
  );
  return {
    name,
    label: labelOf(model.label, name),
    ...renamedFrom(model),
    fields,
    belongsTo,
    hasMany,
    indexes: checkIndexes(model, { fields, belongsTo }, report),
    display: checkDisplay(model.display, fields, report),
    webhooks: checkWebhooks(model.webhooks, taskNames, report),
  };
}

/** All that an object of the model is going to have under a name of its own. */
function membersOf({ fields, belongsTo, hasMany }: ModelDraft): readonly NamedDraft[] {
  const references = belongsTo.map(({ where, name, model }) => ({
    where,
    name: name ?? model,
    hint: 'Give it another name: `name` may be set.',
  }));
  const ids = references.flatMap(({ where, name }) =>
    name === null
      ? []
      : [{ where, name: `${name}_id`, hint: `A belongs-to \`${name}\` also takes the name \`${name}_id\`.` }],
  );
  return [...fields, ...references, ...ids, ...hasMany].toSorted((left, right) => left.where.order - right.where.order);
}
