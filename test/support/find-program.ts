import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program of the machine by a name, not that of an npm package. @throws when there is none */
export function findProgram(name: string): string {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/') && !folder.includes('node_modules'));
  const found = [...folders, '/usr/local/bin', '/usr/bin']
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  if (found === undefined) throw new Error(`This machine has no ${name} on its path.`);
  return found;
}
