// A bundle of its own, dist/worker-data.cjs, loaded when a task first uses any of it: most tasks store nothing, and a process starts
// with every attempt. docs/decisions/worker-start.md has the figures.
import type { ExtensionModule } from '../../engine/worker/load-extension.ts';
import { Attachment } from '../model/attachment.ts';
import type { DataModel } from '../model/data-model.ts';
import { Day } from '../model/day.ts';
import { createDb } from './create-db.ts';

export const extensionGlobals: ExtensionModule['extensionGlobals'] = (dataModel, channel) => ({
  DB: createDb(dataModel as DataModel | null, channel),
  Day,
  Attachment,
});
