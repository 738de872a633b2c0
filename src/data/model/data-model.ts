import type { Choice } from './check-values.ts';
import type { FieldType } from './field-types.ts';

export type { Choice, FieldType };

/** The data model of a project, checked: what `schema.xml` and `data-model.ts` both come to. Plain JSON; names are unique where they meet. */
export interface DataModel {
  readonly models: readonly Model[];
}

export interface Model {
  /** `DB.<name>`, and the name of its table. */
  readonly name: string;
  readonly label: string;
  /** The name that it had; where its table has that still, the deployment renames it. */
  readonly renamedFrom?: string;
  readonly fields: readonly Field[];
  readonly belongsTo: readonly BelongsTo[];
  readonly hasMany: readonly HasMany[];
  readonly indexes: readonly ModelIndex[];
  /** `{field}` stands for a field's value; null shows the id. */
  readonly display: string | null;
  readonly webhooks: readonly Webhook[];
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: FieldType;
  /** What follows the colon of `text:name`: tells people and forms what the text is. The database does not care. */
  readonly subtype: string | null;
  /** The choices, in order; empty for every other type. */
  readonly options: readonly Choice[];
  /** The name that it had; where its columns have that still, the deployment renames them. */
  readonly renamedFrom?: string;
  /** Keys that objects may have from before they were no options any more: they can be asked for, and an object that has one keeps it. Not of the source: a deployment finds them. */
  readonly formerKeys?: readonly (string | number)[];
}

/** A reference to one object of `model`, stored as `<name>_id`. */
export interface BelongsTo {
  readonly name: string;
  readonly model: string;
  readonly renamedFrom?: string;
}

/** The objects of `model` whose belongs-to `inverseOf` is this object. */
export interface HasMany {
  readonly name: string;
  readonly model: string;
  readonly inverseOf: string;
}

export interface ModelIndex {
  /** Unique within its model. */
  readonly name: string;
  /** Names of fields and belongs-to, in order. */
  readonly on: readonly string[];
}

export interface Webhook {
  readonly type: WebhookType;
  readonly name: string;
  readonly receiver: 'cloudcode';
  /** The name of a task. */
  readonly action: string;
}

export const webhookTypes = ['ready', 'update'] as const;
export type WebhookType = (typeof webhookTypes)[number];

/** The label that was given, or one made from the name: `serial_number` and `serialNumber` give "Serial number". */
export function labelOf(given: string | null, name: string): string {
  const label = given?.trim() ?? '';
  if (label !== '') return label;
  const words = name
    .replaceAll(/(?<=[a-z0-9])[A-Z](?![A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll('_', ' ')
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
