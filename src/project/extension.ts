/** What an extension adds to a project. */
export interface ProjectExtension {
  /**
   * Reads what the folder has of it: JSON, for the project's deployment; null for nothing.
   * @param folder absolute, with symbolic links resolved
   * @param tasks the names of the project's tasks
   * @throws CloudCodeError one for all that is wrong
   */
  read(folder: string, tasks: readonly string[]): Promise<unknown>;
  /** What it tells the compiler. @param read null for nothing */
  describeTypes(read: unknown): TypesOfExtension;
}

/** Lines of cloudcode-env.d.ts. */
export interface TypesOfExtension {
  /** Inside of `declare module 'cloudcode'`. */
  readonly module: readonly string[];
  /** Inside of `declare global`. */
  readonly globals: readonly string[];
}
