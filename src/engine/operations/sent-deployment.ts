import { sha256 } from '../../contents/sha256.ts';
import { CloudCodeError } from '../core/errors.ts';
import { treeText } from '../core/kept-folder.ts';
import { type Manifest, problemOfManifest } from '../core/manifest.ts';
import { parseQueue } from '../core/schedule-request.ts';
import { startVariables } from '../core/start-variables.ts';
import { bytesOf, checkVariableName, checkVariablesTogether, checkVariableValue } from '../core/variables.ts';
import type { DeployableProject } from './deployment-state.ts';
import type { ReadDeployedState } from './extension.ts';
import type { CheckStart } from './variables.ts';

interface Reading {
  readonly environment: string;
  readonly readState: ReadDeployedState;
  readonly checkStart?: CheckStart | undefined;
}

/**
 * A project that was built on another machine, as it can be deployed here: its parts are in the database, or have to be sent yet.
 * @throws CloudCodeError `invalid_manifest`, `invalid_queue`, `invalid_variable`, and those of the extension
 */
export async function readManifest(
  sent: Manifest,
  { environment, readState, checkStart }: Reading,
): Promise<DeployableProject> {
  const { tasks, packages, files, config, extension } = sent;
  const problem =
    problemOfManifest(sent) ?? (isRightTree(packages.tree) ? null : 'the hash of `packages.tree` is another');
  if (problem !== null)
    throw new CloudCodeError('invalid_manifest', `The description of the deployment is not valid: ${problem}.`);
  for (const queue of Object.keys(config.queues ?? {})) parseQueue(queue);
  const variables = config.variables ?? {};
  await checkVariables(variables, checkStart);
  return {
    folder: '',
    tasks: tasks.map(({ name, file, bundle, config: own, external, spawnNeed }) => ({
      name,
      file,
      external,
      spawnNeed,
      ...bundle,
      isSent: true as const,
      config: defined(own),
    })),
    extension: await readState(
      extension ?? null,
      tasks.map(({ name }) => name),
    ),
    packages: {
      tree: packages.tree,
      projectPath: packages.projectPath,
      folders: packages.contents.map((content) => ({ ...content, isSent: true as const })),
    },
    files: files === null ? null : { ...files, isSent: true },
    config: {
      ...(config.defaults === undefined ? {} : { defaults: defined(config.defaults) }),
      queues: config.queues ?? {},
      retention: defined(config.retention ?? {}),
      environments: { [environment]: { variables } },
    },
  };
}

/** As those that are set. */
async function checkVariables(
  variables: Readonly<Record<string, string>>,
  checkStart: CheckStart | undefined,
): Promise<void> {
  const all = Object.entries(variables).map(([name, value]) => ({ name, value }));
  for (const each of all) {
    checkVariableName(each.name);
    checkVariableValue(each, false);
  }
  checkVariablesTogether(
    all.length,
    all.reduce((sum, { value }) => sum + bytesOf(value), 0),
  );
  const start = startVariables(variables);
  if (Object.keys(start).length > 0) await checkStart?.(start, []);
}

function isRightTree(tree: Manifest['packages']['tree']): boolean {
  // A tree of nothing has the hash of nothing.
  if (tree.folders.length === 0 && tree.links.length === 0)
    return tree.hash === sha256('') || tree.hash === sha256(treeText(tree));
  return tree.hash === sha256(treeText(tree));
}

type Defined<Of> = { [Name in keyof Of]?: Exclude<Of[Name], undefined> };

/** Without what is undefined. */
function defined<Of extends object>(of: Of): Defined<Of> {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as Defined<Of>;
}
