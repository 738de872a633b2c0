import { findJsonMistake } from './json-syntax.ts';

export type ParsedJson = { readonly value: unknown; readonly mistake: null } | { readonly mistake: string };

/** Reads JSON text, or says in words where it stops being JSON: `line 1, column 8: expected a value, found "}"`. */
export function parseJson(text: string): ParsedJson {
  try {
    return { value: JSON.parse(text) as unknown, mistake: null };
  } catch (error) {
    const place = findJsonMistake(text);
    if (place === null) return { mistake: error instanceof Error ? error.message : String(error) };
    return { mistake: `line ${place.line}, column ${place.column}: expected ${place.expected}, found ${place.found}` };
  }
}
