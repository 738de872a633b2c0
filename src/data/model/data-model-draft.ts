// A data model as it was written, before it is checked: what the readers of schema.xml and of data-model.ts both give.
// null stands for what was left out.

/** Where something was written. */
export interface Where {
  /** For people: `schema.xml:14: <field name="colour"> of model asset`. */
  readonly text: string;
  /** Mistakes are told in this order. */
  readonly order: number;
}

export interface DataModelProblem {
  readonly where: Where;
  /** What is wrong, to stand after the place. */
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Takes note of a mistake. */
export type Report = (where: Where, message: string, hint?: string) => void;

export interface ModelDraft {
  readonly where: Where;
  readonly name: string | null;
  readonly label: string | null;
  readonly renamedFrom: string | null;
  readonly fields: readonly FieldDraft[];
  readonly belongsTo: readonly BelongsToDraft[];
  readonly hasMany: readonly HasManyDraft[];
  readonly indexes: readonly IndexDraft[];
  readonly display: DisplayDraft | null;
  readonly webhooks: readonly WebhookDraft[];
}

export interface FieldDraft {
  readonly where: Where;
  readonly name: string | null;
  readonly label: string | null;
  /** With its subtype: `text:name`. */
  readonly type: string | null;
  readonly renamedFrom: string | null;
  readonly options: readonly OptionDraft[];
}

export interface OptionDraft {
  readonly where: Where;
  /** Text may stand for an integer. */
  readonly key: string | number | null;
  readonly label: string | null;
}

export interface BelongsToDraft {
  readonly where: Where;
  readonly name: string | null;
  readonly model: string | null;
  readonly renamedFrom: string | null;
}

export interface HasManyDraft {
  readonly where: Where;
  readonly name: string | null;
  readonly model: string | null;
  readonly inverseOf: string | null;
}

export interface IndexDraft {
  readonly where: Where;
  readonly name: string | null;
  readonly on: readonly string[];
}

export interface DisplayDraft {
  readonly where: Where;
  readonly text: string;
}

export interface WebhookDraft {
  readonly where: Where;
  readonly name: string | null;
  readonly type: string | null;
  readonly receiver: string | null;
  readonly action: string | null;
}
