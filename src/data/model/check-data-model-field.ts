import { checkName, renamedFrom } from './check-data-model-names.ts';
import { type Choice, type Field, type FieldType, labelOf } from './data-model.ts';
import { choiceTypes, fieldTypes, typesOfFields } from './field-types.ts';
import type { FieldDraft, OptionDraft, Report } from './data-model-draft.ts';
import { suggest } from '../../engine/core/suggest.ts';

const validSubtype = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;
const writtenInteger = /^(?:0|-?[1-9]\d{0,9})$/;
const minInteger = -(2 ** 31);
const maxInteger = 2 ** 31 - 1;

/** The field; what is wrong with it is reported and has a stand-in. */
export function checkField(field: FieldDraft, report: Report): Field {
  const name = checkName(field, 'field', report);
  const { type, subtype } = checkType(field, report);
  return {
    name,
    label: labelOf(field.label, name),
    type: type ?? 'text',
    subtype,
    options: type === null ? [] : checkOptions(field, type, report),
    ...renamedFrom(field),
  };
}

function checkType(
  { where, type: written }: FieldDraft,
  report: Report,
): { readonly type: FieldType | null; readonly subtype: string | null } {
  if (written === null) {
    report(where, 'the type is missing.', `The types are ${fieldTypes.join(', ')}.`);
    return { type: null, subtype: null };
  }
  const [before = '', ...after] = written.split(':');
  const type = fieldTypes.find((known) => known === before) ?? null;
  const subtype = after.length === 0 ? null : after.join(':');
  if (type === null) {
    const nearest = suggest(before, fieldTypes);
    report(
      where,
      `unknown type ${JSON.stringify(written)}.`,
      nearest === null ? `The types are ${fieldTypes.join(', ')}.` : `Did you mean \`${nearest}\`?`,
    );
  } else if (subtype !== null && type !== 'text') {
    report(where, `unknown type ${JSON.stringify(written)}: only text has subtypes.`, `Write \`${type}\`.`);
  } else if (subtype !== null && !validSubtype.test(subtype)) {
    report(
      where,
      `unknown type ${JSON.stringify(written)}: what follows the colon is no subtype.`,
      'A subtype is one word, as in `text:name`.',
    );
  }
  return { type, subtype };
}

function checkOptions({ where, options }: FieldDraft, type: FieldType, report: Report): readonly Choice[] {
  const { choice, comparedWith } = typesOfFields[type];
  const isChoice = choice !== null;
  if (isChoice && options.length === 0)
    report(where, `a ${type} without options.`, 'Name the keys that can be chosen, each as an option.');
  if (!isChoice) {
    const [first] = options;
    if (first !== undefined)
      report(
        first.where,
        `options belong to choices; the field is a ${type}.`,
        `The types with options are ${choiceTypes.join(', ')}.`,
      );
    return [];
  }
  const checked = options.map((option) => ({
    ...option,
    key: comparedWith === 'number' ? integerKey(option, report) : textKey(option, report),
  }));
  refuseDoubleKeys(checked, report);
  return checked.map(({ key, label }) => ({ key: key ?? '', label: labelOf(label, String(key)) }));
}

function refuseDoubleKeys(options: readonly OptionDraft[], report: Report): void {
  const seen = new Map<string, OptionDraft>();
  for (const option of options) {
    if (option.key === null) continue;
    const earlier = seen.get(String(option.key).toLowerCase());
    if (earlier === undefined) seen.set(String(option.key).toLowerCase(), option);
    else
      report(
        option.where,
        `duplicate key ${JSON.stringify(option.key)}: it is taken by ${earlier.where.text}.`,
        earlier.key === option.key ? undefined : 'Keys that differ only in case count as the same.',
      );
  }
}

function textKey({ where, key }: OptionDraft, report: Report): string | null {
  if (typeof key === 'string' && key !== '' && !key.includes('\0') && key.isWellFormed()) return key;
  if (key === null || key === '') report(where, 'the key is missing.', 'Give it a `key`: it is what is stored.');
  else if (typeof key === 'number')
    report(where, `the key ${key} is no text.`, `Write it in quotes, or make the field a choice of integers.`);
  else report(where, `the key ${JSON.stringify(key)} holds a character that cannot be stored.`);
  return null;
}

function integerKey({ where, key }: OptionDraft, report: Report): number | null {
  if (key === null || key === '') {
    report(where, 'the key is missing.', 'Give it a `key`: it is what is stored.');
    return null;
  }
  const value = typeof key === 'number' || writtenInteger.test(key) ? Number(key) : NaN;
  if (Number.isInteger(value) && value >= minInteger && value <= maxInteger) return value === 0 ? 0 : value;
  report(
    where,
    `the key ${JSON.stringify(key)} is no 32-bit integer.`,
    `Its keys are whole numbers from ${minInteger} to ${maxInteger}.`,
  );
  return null;
}
