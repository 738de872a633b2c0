import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkDataModel } from '../model/check-data-model.ts';
import type { DataModel } from '../model/data-model.ts';
import type { DataModelProblem } from '../model/data-model-draft.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { atStep } from '../../project/build-steps.ts';
import { throwErrors } from '../../project/problems.ts';
import { readModelModule } from './read-model-module.ts';
import { readSchemaXml, type SchemaDraft } from './read-schema-xml.ts';

const xmlFile = 'schema.xml';
const dataModelFiles = [xmlFile, ...['ts', 'mts', 'js', 'mjs'].map((ending) => `data-model.${ending}`)];
const maxBytes = 5 * 1024 * 1024;

/**
 * Reads the data model of a project: schema.xml, or data-model.ts (or .mts, .js, .mjs), which is bundled and then run in this process.
 * null when there is neither.
 * @param folder absolute, with symbolic links resolved
 * @param taskNames what a webhook's action may name
 * @throws CloudCodeError `invalid_data_model`, one for all that is wrong, each with its file and line or path
 */
export async function readDataModelFile(folder: string, taskNames: readonly string[]): Promise<DataModel | null> {
  const inside = await readdir(folder);
  const [file, other] = dataModelFiles.filter((name) => inside.includes(name));
  if (file === undefined) return null;
  if (other !== undefined)
    throw new CloudCodeError('invalid_data_model', `There are two data models, ${file} and ${other}.`, {
      hint: 'Keep one of them.',
    });
  const draft =
    file === xmlFile
      ? await atStep(`reading ${xmlFile}`, () => readXml(folder))
      : { models: await readModelModule(folder, file), problems: [] };
  const { dataModel, problems } = checkDataModel(draft.models, taskNames);
  throwErrors(
    [...draft.problems, ...problems]
      .toSorted((left, right) => left.where.order - right.where.order)
      .map(describeProblem),
  );
  return dataModel;
}

async function readXml(folder: string): Promise<SchemaDraft> {
  const path = join(folder, xmlFile);
  const { size } = await stat(path);
  if (size > maxBytes)
    throw new CloudCodeError(
      'invalid_data_model',
      `${xmlFile} has ${size} bytes; at most ${maxBytes} (5 MB) are read.`,
      { hint: 'A data model is a description; data belongs into the database.' },
    );
  return readSchemaXml(xmlFile, await readFile(path));
}

function describeProblem({ where, message, hint }: DataModelProblem): CloudCodeError {
  return new CloudCodeError('invalid_data_model', `${where.text}: ${message}`, { hint });
}
