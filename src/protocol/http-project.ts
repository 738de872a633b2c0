import { z } from 'zod';

const projectBody = z.object({ folder: z.string(), name: z.string(), environment: z.string(), version: z.string(), pid: z.number() });

/** What `GET …/project` tells of the project that a server serves. */
export type ProjectBody = z.output<typeof projectBody>;

/** null when the body is not one of ours: something else listens there. */
export function parseProjectBody(body: unknown): ProjectBody | null {
  const parsed = projectBody.safeParse(body);
  return parsed.success ? parsed.data : null;
}
