import { z } from 'zod';

/** A part of a deployment, and what of it the store did not have. */
export const carried = z
  .object({
    count: z.number(),
    bytes: z.number(),
    added: z.array(z.object({ name: z.string(), bytes: z.number() }).readonly()).readonly(),
  })
  .readonly()
  .meta({ id: 'Carried' });
export type Carried = z.output<typeof carried>;

/** What was done with a package, and why. */
export const toldPackage = z
  .object({
    /** `pg@8.16.0`; `pg` of one that is in a bundle. */
    package: z.string(),
    /**
     * Loaded by Node from the deployment's copy with the help of a pack, or without (`plain`), or made a part of the bundle. `linked`: from elsewhere than a `node_modules`; its code is a part of
     * the bundle, and its files are beside that.
     */
    how: z.enum(['outside', 'plain', 'bundled', 'linked']),
    because: z.string(),
    /** Of its files; null of one that is in the bundle alone. */
    bytes: z.number().nullable(),
  })
  .readonly();
export type ToldPackage = z.output<typeof toldPackage>;
