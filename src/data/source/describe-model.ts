import { type Choice, type Field, labelOf, type Model } from '../model/data-model.ts';
import { typeOfField } from '../model/field-values.ts';

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
function typeOf(field: Field): string {
  const { typeScript, choice } = typeOfField(field);
  if (typeScript !== null) return typeScript;
  return choice === 'many' ? `readonly (${unionOf(field.options)})[]` : unionOf(field.options);
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
