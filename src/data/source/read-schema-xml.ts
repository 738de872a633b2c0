import type {
  DataModelProblem,
  FieldDraft,
  IndexDraft,
  ModelDraft,
  Report,
  WebhookDraft,
} from '../model/data-model-draft.ts';
import { parseXmlFile } from './parse-xml.ts';
import { readElements, type SchemaElement } from './xml-elements.ts';

export interface SchemaDraft {
  readonly models: readonly ModelDraft[];
  readonly problems: readonly DataModelProblem[];
}

/**
 * Reads schema.xml into a draft, and says what in it is not known.
 * @throws CloudCodeError `invalid_data_model` when it is no XML
 */
export function readSchemaXml(file: string, bytes: Uint8Array): SchemaDraft {
  const problems: DataModelProblem[] = [];
  const report: Report = (where, message, hint) => void problems.push({ where, message, hint });
  const root = readElements(file, parseXmlFile(file, bytes), report);
  return { models: (root?.children('model') ?? []).map((model) => draftModel(model, report)), problems };
}

function draftModel(model: SchemaElement, report: Report): ModelDraft {
  const [display = null, second] = model.children('display');
  if (second !== undefined) report(second.where, 'a model has one display text; this is another.', 'Keep one of them.');
  return {
    where: model.where,
    name: model.attribute('name'),
    label: model.attribute('label'),
    renamedFrom: model.attribute('renamed-from'),
    fields: model.children('field').map(draftField),
    belongsTo: model.children('belongs-to').map(({ where, attribute }) => ({
      where,
      name: attribute('name'),
      model: attribute('model'),
      renamedFrom: attribute('renamed-from'),
    })),
    hasMany: model.children('has-many').map(({ where, attribute }) => ({
      where,
      name: attribute('name'),
      model: attribute('model'),
      inverseOf: attribute('inverse-of'),
    })),
    indexes: model.children('index').map(draftIndex),
    display,
    webhooks: model.children('webhook').map(draftWebhook),
  };
}

function draftField({ where, attribute, children }: SchemaElement): FieldDraft {
  const options = children('option').map((option) => ({
    where: option.where,
    key: option.attribute('key'),
    label: option.text,
  }));
  return {
    where,
    name: attribute('name'),
    label: attribute('label'),
    type: attribute('type'),
    renamedFrom: attribute('renamed-from'),
    options,
  };
}

function draftIndex({ where, attribute }: SchemaElement): IndexDraft {
  const on = attribute('on') ?? '';
  return { where, name: attribute('name'), on: on.trim() === '' ? [] : on.split(',').map((name) => name.trim()) };
}

function draftWebhook({ where, attribute }: SchemaElement): WebhookDraft {
  return {
    where,
    name: attribute('name'),
    type: attribute('type'),
    receiver: attribute('receiver'),
    action: attribute('action'),
  };
}
