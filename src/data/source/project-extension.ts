import type { ProjectExtension } from '../../project/extension.ts';
import type { DataModel } from '../model/data-model.ts';
import { describeModel } from './describe-model.ts';
import { readDataModelFile } from './read-data-model-file.ts';

const globals = `  const DB: import('cloudcode').DB;
  const Day: typeof import('cloudcode').Day;
  type Day = import('cloudcode').Day;
  const Attachment: typeof import('cloudcode').Attachment;
  type Attachment = import('cloudcode').Attachment;`.split('\n');

/** The data model of a project's folder. */
export const dataInProject: ProjectExtension = {
  read: readDataModelFile,
  describeTypes(read) {
    const { models } = (read as DataModel | null) ?? { models: [] };
    const module = models.length === 0 ? [] : ['', '  interface Models {', ...models.map(describeModel), '  }'];
    return { module, globals };
  },
};
