import { Attachment as AttachmentOfCore } from '../data/model/attachment.ts';
import { Day as DayOfCore } from '../data/model/day.ts';
import type * as sdk from './cloudcode.d.ts';

export type * from './cloudcode.d.ts';

// A bundled task gets src/project/sdk-plugin.ts instead of this module, with the same exports; this is for `node script.ts` and tests.

/** Forwards to a global at the time of use: the worker may set it after this module was loaded. */
function forward(name: 'CloudCode' | 'DB', elsewhere: string): object {
  const readGlobal = (): object => {
    const found: unknown = Reflect.get(globalThis, name);
    if (typeof found === 'object' && found !== null) return found;
    throw new Error(`${name} can be used inside a task only. ${elsewhere}`);
  };
  return new Proxy(
    {},
    {
      get: (_target, property) => Reflect.get(readGlobal(), property) as unknown,
      has: (_target, property) => Reflect.has(readGlobal(), property),
    },
  );
}

export const CloudCode = forward(
  'CloudCode',
  'From elsewhere, schedule a run with `cloudcode schedule` or the HTTP API.',
) as typeof sdk.CloudCode;

/** Its type depends on the models of a project; here there is none. */
export const DB: object = forward('DB', 'From elsewhere, query the PostgreSQL database of the environment.');

export const Day: typeof sdk.Day = DayOfCore;

export const Attachment: typeof sdk.Attachment = AttachmentOfCore;

export const defineConfig: typeof sdk.defineConfig = (config) => config;

export const defineDataModel: typeof sdk.defineDataModel = (models) => models;
