/** A part of a deployment, and what of it the store did not have. */
export interface Carried {
  readonly count: number;
  readonly bytes: number;
  readonly added: readonly { readonly name: string; readonly bytes: number }[];
}

/** What was done with a package, and why. */
export interface ToldPackage {
  /** `pg@8.16.0`; `pg` of one that is in a bundle. */
  readonly package: string;
  /**
   * Loaded by Node from the deployment's copy with the help of a pack, or without (`plain`), or made a part of the bundle. `linked`: from elsewhere than a `node_modules`; its code is a part of
   * the bundle, and its files are beside that.
   */
  readonly how: 'outside' | 'plain' | 'bundled' | 'linked';
  readonly because: string;
  /** Of its files; null of one that is in the bundle alone. */
  readonly bytes: number | null;
}
