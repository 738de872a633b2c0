import { z } from 'zod';
import type {
  BelongsToDraft,
  FieldDraft,
  HasManyDraft,
  IndexDraft,
  ModelDraft,
  OptionDraft,
  WebhookDraft,
  Where,
} from '../model/data-model-draft.ts';
import { checkShape, formatPath, strictObject } from '../../project/check-shape.ts';
import { loadDefaultExport } from '../../project/load-default-export.ts';
import { joinErrors } from '../../project/problems.ts';

const text = z.string({ error: 'must be a string' }).optional();
const names = z.array(z.string({ error: 'must be a string' }), { error: 'must be an array of names' });

const optionSchema = strictObject({
  key: z.union([z.string(), z.number()], { error: 'must be a string or a number' }).optional(),
  label: text,
});
const optionsSchema = z
  .union([z.array(optionSchema), z.record(z.string(), z.string())], {
    error: 'must be an object of labels by their keys, or an array of { key, label }',
  })
  .optional();
const fieldSchema = strictObject({ type: text, label: text, renamedFrom: text, options: optionsSchema });
const belongsToSchema = z.union([z.string(), strictObject({ model: text, renamedFrom: text })], {
  error: 'must be the name of a model, or { model, renamedFrom }',
});
const hasManySchema = z.union([z.string(), strictObject({ model: text, inverseOf: text })], {
  error: 'must be the name of a model, or { model, inverseOf }',
});
const indexSchema = z.union([names, strictObject({ on: names.optional(), name: text })], {
  error: 'must be an array of names, or { on, name }',
});
const webhookSchema = strictObject({ type: text, name: text, receiver: text, action: text });

const modelSchema = strictObject({
  label: text,
  renamedFrom: text,
  fields: byName(fieldSchema).optional(),
  belongsTo: byName(belongsToSchema).optional(),
  hasMany: byName(hasManySchema).optional(),
  indexes: z.array(indexSchema, { error: 'must be an array' }).optional(),
  display: text,
  webhooks: z.array(webhookSchema, { error: 'must be an array' }).optional(),
});

function byName<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined),
  });
}

type ModelShape = z.output<typeof modelSchema>;

/** Gives the place of what stands under a path. */
type Place = (...path: readonly PropertyKey[]) => Where;

/**
 * Reads data-model.ts into a draft.
 * @throws CloudCodeError `invalid_data_model` when it cannot be loaded, or its default export has another shape than `defineDataModel` takes
 */
export async function readModelModule(folder: string, file: string): Promise<readonly ModelDraft[]> {
  const loaded = await loadDefaultExport(folder, {
    file,
    code: 'invalid_data_model',
    example: 'defineDataModel({ … })',
  });
  const { value, errors } = checkShape(loaded, {
    schema: byName(modelSchema),
    code: 'invalid_data_model',
    file,
    name: 'the default export',
  });
  if (errors !== null) throw joinErrors(errors);
  let order = 0;
  return Object.entries(value).map(([name, model]) => {
    const place: Place = (...path) => ({ text: `${file}: ${formatPath([name, ...path])}`, order: (order += 1) });
    return draftModel(name, model, place);
  });
}

function draftModel(name: string, model: ModelShape, place: Place): ModelDraft {
  return {
    where: place(),
    name,
    label: model.label ?? null,
    renamedFrom: model.renamedFrom ?? null,
    fields: Object.entries(model.fields ?? {}).map(([field, shape]) => draftField(field, shape, place)),
    belongsTo: Object.entries(model.belongsTo ?? {}).map(([key, shape]) => draftBelongsTo(key, shape, place)),
    hasMany: Object.entries(model.hasMany ?? {}).map(([key, shape]) => draftHasMany(key, shape, place)),
    indexes: (model.indexes ?? []).map((shape, index) => draftIndex(shape, place('indexes', index))),
    display: model.display === undefined ? null : { where: place('display'), text: model.display.trim() },
    webhooks: (model.webhooks ?? []).map(
      ({ type = null, name: hook = null, receiver = null, action = null }, index): WebhookDraft => {
        return { where: place('webhooks', index), type, name: hook, receiver, action };
      },
    ),
  };
}

function draftField(
  name: string,
  { label, type, renamedFrom, options = [] }: z.output<typeof fieldSchema>,
  place: Place,
): FieldDraft {
  return {
    where: place('fields', name),
    name,
    label: label ?? null,
    type: type ?? null,
    renamedFrom: renamedFrom ?? null,
    options: draftOptions(options, (...path) => place('fields', name, 'options', ...path)),
  };
}

function draftOptions(options: NonNullable<z.output<typeof optionsSchema>>, place: Place): readonly OptionDraft[] {
  if (Array.isArray(options))
    return options.map(({ key = null, label = null }, index) => ({ where: place(index), key, label }));
  return Object.entries(options).map(([key, label]) => ({ where: place(key), key, label }));
}

function draftBelongsTo(name: string, shape: z.output<typeof belongsToSchema>, place: Place): BelongsToDraft {
  const { model, renamedFrom } = typeof shape === 'string' ? { model: shape } : shape;
  return { where: place('belongsTo', name), name, model: model ?? null, renamedFrom: renamedFrom ?? null };
}

function draftHasMany(name: string, shape: z.output<typeof hasManySchema>, place: Place): HasManyDraft {
  const { model, inverseOf } = typeof shape === 'string' ? { model: shape } : shape;
  return { where: place('hasMany', name), name, model: model ?? null, inverseOf: inverseOf ?? null };
}

function draftIndex(shape: z.output<typeof indexSchema>, where: Where): IndexDraft {
  return Array.isArray(shape)
    ? { where, name: null, on: shape }
    : { where, name: shape.name ?? null, on: shape.on ?? [] };
}
