import type { Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** A prototype that refuses to set what an object does not have. Reading it gives undefined, as in all of JavaScript. */
export function refuseUnknownFields(modelOf: (receiver: unknown) => Model | null): object {
  // The methods of Object.prototype are there for reading.
  const target: object = Object.create(Object.prototype) as object;
  return new Proxy(target, {
    set(_target, name, value: unknown, receiver: object) {
      const model = modelOf(receiver);
      if (typeof name === 'symbol' || model === null)
        return Reflect.defineProperty(receiver, name, { value, writable: true, enumerable: true, configurable: true });
      throw unknownField(model, name);
    },
  });
}

/** The error about a name that a model does not have. */
export function unknownField(model: Model, name: string): CloudCodeError {
  const known = assignableNames(model);
  const nearest = suggest(name, known);
  const hint =
    nearest !== null ? `Did you mean \`${nearest}\`?` : known.length > 20 ? '' : `There are ${known.join(', ')}.`;
  return new CloudCodeError('unknown_field', `The model \`${model.name}\` has no field \`${name}\`. ${hint}`.trimEnd());
}

function assignableNames(model: Model): readonly string[] {
  return [...model.fields.map(({ name }) => name), ...model.belongsTo.flatMap(({ name }) => [name, `${name}_id`])];
}
