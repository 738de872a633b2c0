import { typeOfField } from '../model/field-values.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { hintForUnknown } from '../expression/attributes.ts';
import type { ReadFileCall } from '../protocol/data-calls.ts';
import type { Caller } from '../../engine/store/insert-run.ts';
import type { Statement } from '../../engine/store/open-store.ts';
import { quoteName, tableName } from './columns.ts';
import { openParameters, statementOf } from './statement.ts';
import { type DataTarget, modelOf } from './target.ts';

/**
 * The bytes of a stored file. Gives one row `{ base64 }`: null when the object is gone or the file was replaced.
 * @throws CloudCodeError `unknown_model`, `unknown_field`
 */
export function readFile(target: DataTarget, caller: Caller, call: Omit<ReadFileCall, 'kind'>): Statement {
  const model = modelOf(target, call.model);
  const field = model.fields.find((each) => each.name === call.field && typeOfField(each).isFile);
  if (field === undefined) {
    throw new CloudCodeError(
      'unknown_field',
      `The model \`${model.name}\` has no stored file ${JSON.stringify(call.field)}.`,
      { hint: hintForUnknown(model, call.field) },
    );
  }
  const parameters = openParameters(caller);
  const bytes = `t.${quoteName(`${field.name}.bytes`)}`;
  const key = `t.${quoteName(`${field.name}.key`)}`;
  return statementOf(
    `
    select cloudcode.attempt_holds_data($1, $2) as held, (
      select translate(encode(${bytes}, 'base64'), E'\\n', '') from ${tableName(target.schema, model.name)} t
      where t."id" = ${parameters.add(call.id, 'uuid')} and ${key} = ${parameters.add(call.key, 'uuid')}
    ) as base64`,
    parameters,
  );
}
