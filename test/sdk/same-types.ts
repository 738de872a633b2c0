// What `npm run types` checks: the types that are kept by hand (src/sdk/cloudcode.d.ts) say what the code means by the same names.
import type { Location as CoreLocation } from '../../src/data/model/field-location.ts';
import type { TaskConfig as CoreTaskConfig } from '../../src/engine/core/task-config.ts';
import type { ProjectConfig as BuiltConfig } from '../../src/project/config.ts';
import type * as declared from '../../src/sdk/cloudcode.d.ts';
import type * as sdk from '../../src/sdk/index.ts';

/** Written out, so that how a type is put together makes no difference. */
type Plain<Type> = Type extends Date | ((...given: never[]) => unknown)
  ? Type
  : Type extends object
    ? { [Key in keyof Type]: Plain<Type[Key]> }
    : Type;
/** Identical: where every key is optional, types that can be assigned to one another may have nothing in common. */
type Same<Left, Right> =
  (<Any>() => Any extends Plain<Left> ? 1 : 2) extends <Any>() => Any extends Plain<Right> ? 1 : 2 ? true : false;
type Holds<Check extends true> = Check;

export type Checks = [
  Holds<Same<declared.TaskConfig, Partial<CoreTaskConfig>>>,
  Holds<Same<declared.ProjectConfig, BuiltConfig>>,
  Holds<Same<declared.Location, Partial<CoreLocation> & Pick<CoreLocation, 'latitude' | 'longitude'>>>,
  // The values: no more, and as they are declared.
  Holds<Same<keyof typeof declared, keyof typeof sdk>>,
  Holds<typeof sdk extends typeof declared ? true : false>,
];

export type WouldBeSeen = [
  // @ts-expect-error a key more
  Holds<Same<{ readonly a?: 1 }, { readonly a?: 1; readonly b?: 2 }>>,
  // @ts-expect-error another type, deep down
  Holds<Same<{ readonly a?: { readonly b?: 1 } }, { readonly a?: { readonly b?: 2 } }>>,
  // @ts-expect-error a key that may be left out
  Holds<Same<{ readonly a: 1 }, { readonly a?: 1 }>>,
];
