import type { KeptFile } from '../../core/kept-folder.ts';
import type { StoredContent } from '../../store/contents.ts';

/** Files of a content, in its place in a folder: a path from there with `/`, or `''`. */
export interface Part {
  readonly place: string;
  readonly content: StoredContent;
  /** All of the content's, but where another part has one of the same path. */
  readonly files: readonly KeptFile[];
}

/** What a folder of this machine holds. */
export interface Layout {
  readonly parts: readonly Part[];
  /** Symbolic links; the target is relative to the link's own folder. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}
