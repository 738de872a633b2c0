import type { Field, Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { hintForUnknown } from '../expression/attributes.ts';
import { belongsToColumn, type Column, columnsOf, columnsOfModel, quoteName } from './columns.ts';

/** A value of each given object: how the JSON of the objects, or of these values alone, is read, and which columns of the table it goes to. */
export interface GivenColumn {
  readonly name: string;
  /** For the list of columns that json_to_recordset takes. */
  readonly definition: string;
  readonly targets: readonly Target[];
  /** The function that reads an array of such values. */
  readonly elements: 'json_array_elements' | 'json_array_elements_text';
  /** Where each element goes. */
  readonly elementTargets: readonly Target[];
}

export interface Target {
  readonly column: string;
  /** SQL on the given object `g`. */
  readonly value: string;
}

/**
 * What a write names, looked up in the model: fields, and belongs-to as `<name>_id`.
 * @throws CloudCodeError `unknown_field`
 */
export function givenColumns(model: Model, names: readonly string[]): readonly GivenColumn[] {
  return [...new Set(names)].map((name) => {
    const field = model.fields.find((each) => each.name === name);
    if (field !== undefined) return givenField(field);
    const belongsTo = model.belongsTo.map(belongsToColumn).find((column) => column.name === name);
    if (belongsTo !== undefined) return given(belongsTo);
    throw new CloudCodeError('unknown_field', `The model \`${model.name}\` has no field ${JSON.stringify(name)}.`, {
      hint: hintForUnknown(model, name),
    });
  });
}

/** Every column of a model's objects but the id. */
export function allColumns(model: Model): readonly string[] {
  return columnsOfModel(model).map(({ name }) => quoteName(name));
}

function given(column: Column): GivenColumn {
  const name = quoteName(column.name);
  const isList = column.type.endsWith('[]');
  const list = `case when json_typeof(g.${name}) <> 'null' then array(select json_array_elements_text(g.${name}))::${column.type} end`;
  return {
    name,
    definition: `${name} ${column.type}`,
    targets: [{ column: name, value: `g.${name}` }],
    elements: isList ? 'json_array_elements' : 'json_array_elements_text',
    elementTargets: [{ column: name, value: isList ? list : `g.${name}::${column.type}` }],
  };
}

function givenField(field: Field): GivenColumn {
  const columns = columnsOf(field);
  const [only, ...others] = columns;
  if (only !== undefined && others.length === 0) return given(only);
  const name = quoteName(field.name);
  const targets = columns.map((column) => ({
    column: quoteName(column.name),
    value: partOf(`g.${name}`, column.name.slice(field.name.length + 1), column.type),
  }));
  return { name, definition: `${name} json`, targets, elements: 'json_array_elements', elementTargets: targets };
}

const protocolNames: Readonly<Record<string, string>> = { content_type: 'contentType' };

function partOf(object: string, part: string, type: string): string {
  if (part === 'bytes') return `decode(${object} ->> 'base64', 'base64')`;
  return `(${object} ->> '${protocolNames[part] ?? part}')::${type}`;
}
