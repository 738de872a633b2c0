import type { OnOperation } from '../engine/core/operation-events.ts';
import { type GivenKeys, type MasterKeys, openMasterKeys } from '../engine/operations/master-key.ts';
import { migrate } from '../engine/store/migrate.ts';
import { openStore, type Store } from '../engine/store/open-store.ts';
import { refusePooler } from '../engine/store/refuse-pooler.ts';
import { makeMachineFolder, wantedFolder } from '../project/machine-folder.ts';
import { type Closing, closeInReverse } from './closing.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Of masked variables. */
  readonly keys: MasterKeys;
  close(): Promise<void>;
}

/**
 * The store of a folder, migrated: the one at `databaseUrl`, or else the folder's embedded one, which is started when it does not run.
 * @param options `folder`: a project's, or any for a server without one; `data`: the folder for the embedded one, in place of its `.cloudcode`
 * @throws CloudCodeError of the store, `folder_not_writable` and `master_key_invalid`
 */
export async function openFolderStore(options: {
  readonly folder: string;
  readonly data?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly masterKey?: GivenKeys | undefined;
  readonly onEvent?: OnOperation | undefined;
}): Promise<OpenedStore> {
  const keys = openMasterKeys(wantedFolder({ project: options.folder, data: options.data }), options.masterKey);
  const closing = closeInReverse();
  try {
    const url =
      options.databaseUrl ??
      (await startEmbedded(
        makeMachineFolder({ project: options.folder, data: options.data, isEmbedded: true }).folder,
        closing,
      ));
    // Before anything is prepared there: what a pooler mixes up is no error of the database.
    if (options.databaseUrl !== undefined) await refusePooler(url);
    const store = await openStore({ url, onEvent: options.onEvent });
    closing.add(() => store.close());
    await migrate(store);
    return { store, keys, close: closing.close };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function startEmbedded(folder: string, closing: Closing): Promise<string> {
  const { startEmbeddedServer } = await import('../engine/store/embedded/start-embedded-server.ts');
  const embedded = await startEmbeddedServer({ folder });
  closing.add(() => embedded.release());
  return embedded.url;
}
