/** A part of a deployment, and what of it the store did not have. */
export interface Carried {
  readonly count: number;
  readonly bytes: number;
  readonly added: readonly { readonly name: string; readonly bytes: number }[];
}
