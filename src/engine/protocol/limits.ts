/** What is kept of one attempt's output: as much of its beginning as of its end. What lies between is counted and dropped. */
export const maxLogBytes = 1024 * 1024;
export const maxLogLines = 10_000;
export const keptAtEachEnd = { lines: maxLogLines / 2, bytes: maxLogBytes / 2 } as const;
/** Characters of one line. */
export const maxLineLength = 16_384;
/** A frame over this is not one of ours: the largest holds 5 MiB of JSON, escaped once more. */
export const maxFrameBytes = 64 * 1024 * 1024;
