import { createHash } from 'node:crypto';
import type { DataModel, Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** Where an attempt's data is: the schema of its environment, and the models of its deployment by name. */
export interface DataTarget {
  readonly schema: string;
  readonly models: ReadonlyMap<string, Model>;
}

export function dataTarget(environment: string, dataModel: DataModel | null): DataTarget {
  return {
    schema: schemaName(environment),
    models: new Map((dataModel?.models ?? []).map((model) => [model.name, model])),
  };
}

// PostgreSQL cuts a longer name off without an error: two environments would share a schema.
const maxNameBytes = 63;

/** The PostgreSQL schema that holds an environment's data. */
export function schemaName(environment: string): string {
  const name = `cloudcode_${environment}`;
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  return `cloudcode_${createHash('sha256').update(environment).digest('hex').slice(0, 40)}`;
}

/** @throws CloudCodeError `unknown_model` */
export function modelOf(target: DataTarget, name: string): Model {
  const model = target.models.get(name);
  if (model !== undefined) return model;
  const known = [...target.models.keys()];
  const nearest = suggest(name, known);
  const hint =
    known.length === 0
      ? 'The project has no data model: write schema.xml.'
      : nearest === null
        ? `There are ${known.join(', ')}.`
        : `Did you mean \`${nearest}\`?`;
  throw new CloudCodeError('unknown_model', `The data model has no model ${JSON.stringify(name)}.`, { hint });
}
