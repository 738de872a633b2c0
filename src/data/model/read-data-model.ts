import { z } from 'zod';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { checkDataModel } from './check-data-model.ts';
import type { DataModel } from './data-model.ts';
import type { FieldDraft, ModelDraft, Where } from './data-model-draft.ts';

const text = z.string();
const key = z.union([z.string(), z.number()]);
/** A `DataModel` as JSON. What a deployment found out of data, such as former keys, it finds again. */
const dataModelShape = z.object({
  models: z.array(
    z.object({
      name: text,
      label: text,
      renamedFrom: text.optional(),
      fields: z.array(
        z.object({
          name: text,
          label: text,
          type: text,
          subtype: text.nullable(),
          options: z.array(z.object({ key, label: text })),
          renamedFrom: text.optional(),
        }),
      ),
      belongsTo: z.array(z.object({ name: text, model: text, renamedFrom: text.optional() })),
      hasMany: z.array(z.object({ name: text, model: text, inverseOf: text })),
      indexes: z.array(z.object({ name: text, on: z.array(text) })),
      display: text.nullable(),
      webhooks: z.array(z.object({ type: text, name: text, receiver: text, action: text })),
    }),
  ),
});
type ModelShape = z.output<typeof dataModelShape>['models'][number];

/**
 * Reads a data model that was checked when it was built, and has come from elsewhere since: it is checked again, as a whole.
 * @param taskNames what a webhook's action may name
 * @returns null for null
 * @throws CloudCodeError `invalid_data_model`
 */
export function readDataModel(state: unknown, taskNames: readonly string[]): DataModel | null {
  if (state === null) return null;
  const parsed = dataModelShape.safeParse(state);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CloudCodeError(
      'invalid_data_model',
      `The data model is none: \`${(issue?.path ?? []).map(String).join('.')}\`: ${issue?.message ?? 'not valid'}.`,
    );
  }
  let order = 0;
  const place = (what: string): Where => ({ text: what, order: (order += 1) });
  const { dataModel, problems } = checkDataModel(
    parsed.data.models.map((model) => draftOf(model, place)),
    taskNames,
  );
  if (dataModel !== null) return dataModel;
  const [first] = problems;
  throw new CloudCodeError('invalid_data_model', `${first?.where.text}: ${first?.message}`, { hint: first?.hint });
}

function draftOf(model: ModelShape, place: (what: string) => Where): ModelDraft {
  const of = (what: string): Where => place(`${what} of model ${model.name}`);
  return {
    where: place(`model ${model.name}`),
    name: model.name,
    label: model.label,
    renamedFrom: model.renamedFrom ?? null,
    fields: model.fields.map(({ name, label, type, subtype, options, renamedFrom = null }): FieldDraft => ({
      where: of(`field ${name}`),
      name,
      label,
      type: subtype === null ? type : `${type}:${subtype}`,
      renamedFrom,
      options: options.map((option) => ({ ...option, where: of(`an option of field ${name}`) })),
    })),
    belongsTo: model.belongsTo.map(({ renamedFrom = null, ...rest }) => ({
      ...rest,
      renamedFrom,
      where: of(`belongs-to ${rest.name}`),
    })),
    hasMany: model.hasMany.map((each) => ({ ...each, where: of(`has-many ${each.name}`) })),
    // One that was not named has a name that was made of what it is on.
    indexes: model.indexes.map(({ name, on }) => ({
      where: of(`index ${name}`),
      name: name === on.join('_') ? null : name,
      on,
    })),
    display: model.display === null ? null : { where: of('display'), text: model.display },
    webhooks: model.webhooks.map((each) => ({ ...each, where: of(`webhook ${each.name}`) })),
  };
}
