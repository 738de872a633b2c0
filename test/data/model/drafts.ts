import { checkDataModel } from '../../../src/data/model/check-data-model.ts';
import type {
  BelongsToDraft,
  FieldDraft,
  HasManyDraft,
  IndexDraft,
  ModelDraft,
  WebhookDraft,
} from '../../../src/data/model/data-model-draft.ts';
import { fieldTypes } from '../../../src/data/model/field-types.ts';

let order = 0;
export const at = (text: string) => ({ text, order: (order += 1) });
export const field = (
  name: string | null,
  type: string | null = 'text',
  keys: readonly (string | number | null)[] = [],
): FieldDraft => {
  const where = at(`field ${name ?? '?'}`);
  return {
    where,
    name,
    label: null,
    type,
    renamedFrom: null,
    options: keys.map((key) => ({ where: at(`key ${key}`), key, label: null })),
  };
};
export const belongsTo = (model: string | null, name: string | null = null): BelongsToDraft => ({
  where: at(`belongs-to ${model ?? '?'}`),
  model,
  name,
  renamedFrom: null,
});
export const hasMany = (model: string | null, name: string | null, inverseOf: string | null = null): HasManyDraft => ({
  where: at(`has-many ${name ?? '?'}`),
  model,
  name,
  inverseOf,
});
export const index = (on: readonly string[], name: string | null = null): IndexDraft => ({
  where: at(`index ${on.join(',')}`),
  on,
  name,
});
export const webhook = (parts: Partial<WebhookDraft>): WebhookDraft => ({
  where: at('webhook'),
  type: 'update',
  name: 'saved',
  receiver: 'cloudcode',
  action: 'on_asset',
  ...parts,
});
export const display = (text: string) => ({ where: at('display'), text });
export const model = (name: string | null, parts: Partial<ModelDraft> = {}): ModelDraft => {
  return {
    where: at(`model ${name ?? '?'}`),
    name,
    label: null,
    renamedFrom: null,
    fields: [],
    belongsTo: [],
    hasMany: [],
    indexes: [],
    display: null,
    webhooks: [],
    ...parts,
  };
};

/** What is wrong, as `place: message | hint`. */
export function problemsOf(...models: readonly ModelDraft[]): readonly string[] {
  return checkDataModel(models, ['on_asset', 'send_mail']).problems.map(
    ({ where, message, hint }) => `${where.text}: ${message}${hint === undefined ? '' : ` | ${hint}`}`,
  );
}

export const building = (): ModelDraft => model('building');
export const nameRule =
  'A name begins with a letter from a to z, holds such letters, digits and `_` only, and has at most 40 characters.';
export const other = 'Choose another name.';
export const allTypes = `The types are ${fieldTypes.join(', ')}.`;
export const keyRule = 'Its keys are whole numbers from -2147483648 to 2147483647.';
