import type { BelongsTo, Field, Model } from '../model/data-model.ts';
import { typeOfField } from '../model/field-values.ts';
import { listed, type Operator } from '../model/operators.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** What an expression or an order can name: the id, a field, or a belongs-to (as `building` or `building_id`), which stands for its id. */
export type Attribute =
  | { readonly kind: 'id'; readonly name: string; readonly model: string }
  | { readonly kind: 'belongs-to'; readonly name: string; readonly belongsTo: BelongsTo }
  | { readonly kind: 'field'; readonly name: string; readonly field: Field };

const attributesOfModels = new WeakMap<Model, ReadonlyMap<string, Attribute>>();

/** The attributes of a model by each name they go by. */
export function attributesOf(model: Model): ReadonlyMap<string, Attribute> {
  const known = attributesOfModels.get(model) ?? listAttributes(model);
  attributesOfModels.set(model, known);
  return known;
}

function listAttributes(model: Model): ReadonlyMap<string, Attribute> {
  const attributes: Attribute[] = [{ kind: 'id', name: 'id', model: model.name }];
  for (const field of model.fields) attributes.push({ kind: 'field', name: field.name, field });
  for (const belongsTo of model.belongsTo) {
    attributes.push(
      { kind: 'belongs-to', name: belongsTo.name, belongsTo },
      { kind: 'belongs-to', name: `${belongsTo.name}_id`, belongsTo },
    );
  }
  return new Map(attributes.map((attribute) => [attribute.name, attribute]));
}

/** What to do about a name that the model does not have. */
export function hintForUnknown(model: Model, name: string): string {
  const known = [...attributesOf(model).keys()];
  const nearest = suggest(name, known);
  if (nearest !== null) return `Did you mean \`${nearest}\`?`;
  if (model.hasMany.some((hasMany) => hasMany.name === name))
    return `\`${name}\` is a has-many; query the other model.`;
  return known.length <= 20 ? `There are ${known.join(', ')}.` : `\`${model.name}\` has ${known.length} others.`;
}

/** An attribute for a message: "`count` of asset is a number". */
export function describeAttribute(attribute: Attribute): string {
  if (attribute.kind === 'id') return `\`${attribute.name}\` is the id of \`${attribute.model}\``;
  if (attribute.kind === 'belongs-to') return `\`${attribute.name}\` refers to \`${attribute.belongsTo.model}\``;
  return `\`${attribute.name}\` is of type ${attribute.field.type}`;
}

/** The operators that an attribute can be compared with. */
export function operatorsOf(attribute: Attribute): readonly Operator[] {
  return attribute.kind === 'field' ? typeOfField(attribute.field).operators : listed;
}
