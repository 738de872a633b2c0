import { checkName, refuseDoubles } from './check-data-model-names.ts';
import { webhookTypes, type BelongsTo, type Field, type ModelIndex, type Webhook } from './data-model.ts';
import type { DisplayDraft, IndexDraft, ModelDraft, Report, Where, WebhookDraft } from './data-model-draft.ts';
import { typeOfField } from './field-values.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** PostgreSQL's limit. */
const maxIndexColumns = 32;
const validWebhookName = /^[A-Za-z0-9_.-]{1,100}$/;

interface Indexable {
  readonly fields: readonly Field[];
  readonly belongsTo: readonly BelongsTo[];
}

/** The indexes of a model; one without a name is called after what it is on, joined by `_`. */
export function checkIndexes({ indexes }: ModelDraft, indexable: Indexable, report: Report): readonly ModelIndex[] {
  const named = indexes.map((index) => {
    checkIndexedNames(index, indexable, report);
    const { where, on } = index;
    return { where, on, name: index.name === null ? on.join('_') : checkName(index, 'index', report) };
  });
  refuseDoubles(named, report);
  return named.map(({ name, on }) => ({ name, on }));
}

function checkIndexedNames({ where, on }: IndexDraft, { fields, belongsTo }: Indexable, report: Report): void {
  if (on.length === 0) report(where, 'an index on nothing.', 'Name one or more fields or belongs-to with `on`.');
  if (on.length > maxIndexColumns)
    report(where, `an index on ${on.length} fields; PostgreSQL allows ${maxIndexColumns}.`);
  for (const [position, name] of on.entries()) {
    const field = fields.find((known) => known.name === name);
    if (on.indexOf(name) < position) report(where, `the index names "${name}" twice.`);
    else if (field !== undefined && !typeOfField(field).isIndexable)
      report(where, `the index is on "${name}", which is of type ${field.type}: that has no index.`);
    else if (field === undefined && !belongsTo.some((known) => known.name === name)) {
      const known = [...fields, ...belongsTo].map((one) => one.name);
      reportUnknown(
        {
          where,
          message: `the index is on ${JSON.stringify(name)}, which is no field and no belongs-to of the model.`,
          name,
          known,
        },
        report,
      );
    }
  }
}

/** The display text as it was written: its placeholders name fields. */
export function checkDisplay(display: DisplayDraft | null, fields: readonly Field[], report: Report): string | null {
  if (display === null) return null;
  const { where, text } = display;
  if (text === '')
    report(where, 'the display text is empty.', 'Write text and fields, as in `{make} {model}`, or leave it out.');
  const known = fields.map(({ name }) => name);
  for (const [, name = ''] of text.matchAll(/\{([^{}]*)\}/g)) {
    if (!known.includes(name))
      reportUnknown(
        { where, message: `the display text has {${name}}, which is no field of the model.`, name, known },
        report,
      );
  }
  if (/[{}]/.test(text.replaceAll(/\{[^{}]*\}/g, '')))
    report(where, 'the display text has a single `{` or `}`.', 'Write the name of a field between `{` and `}`.');
  return text;
}

/** The webhooks; `action` names a task of the project. */
export function checkWebhooks(
  webhooks: readonly WebhookDraft[],
  taskNames: readonly string[],
  report: Report,
): readonly Webhook[] {
  refuseDoubles(webhooks, report);
  return webhooks.map((webhook) => {
    const { where, name } = webhook;
    if (name === null) report(where, 'the name is missing.', 'Give it a `name`.');
    else if (!validWebhookName.test(name))
      report(
        where,
        `${JSON.stringify(name)} cannot be the name of a webhook.`,
        'A name is 1 to 100 letters from a to z, digits, `_`, `.` and `-`.',
      );
    const type = oneOf(webhook, { attribute: 'type', known: webhookTypes }, report);
    const receiver = oneOf(webhook, { attribute: 'receiver', known: ['cloudcode'] }, report);
    return { type, name: name ?? '', receiver, action: checkAction(webhook, taskNames, report) };
  });
}

function checkAction({ where, action }: WebhookDraft, taskNames: readonly string[], report: Report): string {
  if (action === null) report(where, 'the action is missing.', 'Name the task that is to run with `action`.');
  else if (!taskNames.includes(action))
    reportUnknown(
      {
        where,
        message: `the action ${JSON.stringify(action)} is no task of the project.`,
        name: action,
        known: taskNames,
      },
      report,
    );
  return action ?? '';
}

interface AttributeRule<Value> {
  readonly attribute: 'type' | 'receiver';
  readonly known: readonly [Value, ...Value[]];
}

function oneOf<const Value extends string>(
  webhook: WebhookDraft,
  { attribute, known }: AttributeRule<Value>,
  report: Report,
): Value {
  const given = webhook[attribute];
  const found = known.find((value) => value === given);
  if (found !== undefined) return found;
  if (given === null)
    report(
      webhook.where,
      `the ${attribute} is missing.`,
      `Write ${known.map((value) => `\`${value}\``).join(' or ')}.`,
    );
  else
    reportUnknown(
      { where: webhook.where, message: `unknown ${attribute} ${JSON.stringify(given)}.`, name: given, known },
      report,
    );
  return known[0];
}

function reportUnknown(
  {
    where,
    message,
    name,
    known: listed,
  }: { readonly where: Where; readonly message: string; readonly name: string; readonly known: readonly string[] },
  report: Report,
): void {
  const known = [...new Set(listed)];
  const nearest = suggest(name, known);
  const all =
    known.length === 0 || known.length > 20
      ? undefined
      : `There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}.`;
  report(where, message, nearest === null ? all : `Did you mean \`${nearest}\`?`);
}
