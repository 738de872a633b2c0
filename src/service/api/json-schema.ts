import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Longer ones, of times and such, tell people nothing that the format does not. */
const maxPatternLength = 40;

/** Turns schemas into those of a document whose components hold each schema with an id once. */
export function schemaWriter(): {
  /** @param io what a caller may send, or what an answer holds @throws Error for two schemas with one id */
  readonly write: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema;
  /** The schemas with ids, of all that was written. */
  readonly components: () => Readonly<Record<string, JsonSchema>>;
} {
  const named = new Map<string, JsonSchema>();
  return {
    write(schema, io) {
      const {
        $defs = {},
        $schema: _,
        ...written
      } = z.toJSONSchema(schema, { io, override: simplify, cycles: 'throw' });
      for (const [id, definition] of Object.entries($defs)) {
        const referring = referToComponents(definition) as JsonSchema;
        if (named.has(id) && !isDeepStrictEqual(named.get(id), referring))
          throw new Error(`two schemas have the id ${id}`);
        named.set(id, referring);
      }
      return referToComponents(written) as JsonSchema;
    },
    components: () => Object.fromEntries([...named].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

interface Written {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

/** Leaves out what says nothing to whoever sends or reads the JSON. */
function simplify({ zodSchema, jsonSchema }: Written): void {
  delete jsonSchema.readOnly;
  if (zodSchema._zod.def.type === 'record') delete jsonSchema.propertyNames;
  const { pattern, type } = jsonSchema;
  if (pattern !== undefined && (type !== 'string' || pattern.length > maxPatternLength)) delete jsonSchema.pattern;
  // Answers of later versions may hold more.
  if (zodSchema._zod.def.type === 'object' && zodSchema._zod.def.catchall === undefined)
    delete jsonSchema.additionalProperties;
}

function referToComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(referToComponents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === '$ref' && typeof each === 'string'
        ? each.replace('#/$defs/', '#/components/schemas/')
        : referToComponents(each),
    ]),
  );
}
