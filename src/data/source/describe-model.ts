import type { Choice, Field, Model } from '../model/data-model.ts';
import { labelOf } from '../model/data-model-label.ts';

/** A model as `interface Models` in cloudcode-env.d.ts has it. A label that the name does not tell becomes a comment, which editors show. */
export function describeModel({ name, label, fields, belongsTo, hasMany }: Model): string {
  return `    ${commentOf(label, name)}${name}: {
      fields: ${block(fields.map((field) => `${commentOf(field.label, field.name)}${field.name}: ${typeOf(field)};`))};
      belongsTo: ${block(belongsTo.map((one) => `${one.name}: '${one.model}';`))};
      hasMany: ${block(hasMany.map((one) => `${one.name}: '${one.model}';`))};
    };`;
}

function block(lines: readonly string[]): string {
  return lines.length === 0 ? '{}' : `{\n${lines.map((line) => `        ${line}\n`).join('')}      }`;
}

/** The type of a value that is not null. */
function typeOf({ type, options }: Field): string {
  switch (type) {
    case 'text':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'date':
      return 'Day';
    case 'datetime':
      return 'Date';
    case 'boolean':
      return 'boolean';
    case 'single-choice':
    case 'single-choice-integer':
      return unionOf(options);
    case 'multiple-choice':
    case 'multiple-choice-integer':
      return `readonly (${unionOf(options)})[]`;
    case 'location':
      return 'Location';
    case 'attachment':
    case 'photo':
    case 'signature':
      return 'Attachment';
  }
}

function unionOf(options: readonly Choice[]): string {
  return options.map(({ key }) => (typeof key === 'number' ? String(key) : quote(key))).join(' | ');
}

function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function commentOf(label: string, name: string): string {
  return label === labelOf(null, name) ? '' : `/** ${label.replaceAll(/\s+/g, ' ').replaceAll('*/', '* /')} */ `;
}
