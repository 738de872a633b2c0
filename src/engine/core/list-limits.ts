/** A search looks at so many of the newest runs of its other filters, and at no others. */
export const maxSearched = 10_000;
