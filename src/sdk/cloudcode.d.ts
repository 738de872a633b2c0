// What `import … from 'cloudcode'` gives a project. Kept by hand and published as it is, so that types need no build step;
// it imports nothing, so that it means the same under every tsconfig. index.ts is checked against it.

/**
 * The tasks of a project and their parameters. `cloudcode types` fills it in (cloudcode-env.d.ts); until then any task name
 * and any parameters are accepted.
 */
export interface Tasks {}

/** The name of a task of this project. */
export type TaskName = keyof Tasks extends never ? string : Extract<keyof Tasks, string>;

/** The parameters of a task, as its `run` takes them. */
export type ParametersOf<Name extends TaskName> = Name extends keyof Tasks ? Tasks[Name] : object;

/**
 * The parameters of a `run`: of its first argument, `undefined` when it takes none. It says `any` where `unknown` would look better,
 * because for `any` the compiler does not infer what `run` returns: that would go in circles for a task that schedules itself.
 */
export type ParametersOfRun<Run> = Run extends (...given: infer Given) => any
  ? Given extends []
    ? undefined
    : Given[0]
  : unknown;

/** The limits of a task: `export const config: TaskConfig = { … }` beside its `run`. */
export interface TaskConfig {
  /** How long one attempt may take, in milliseconds. 300000 (5 minutes) unless set. */
  readonly timeoutMs?: number;
  /** Memory of an attempt, with all that it starts, in MiB. 1024 unless set. */
  readonly memoryMb?: number;
  /** How many attempts a run gets before it is `dead`. 5 unless set. */
  readonly maxAttempts?: number;
  /** Where the configuration or the machine says `workerStart: 'fork'`: `spawn` has this task spawned nevertheless; `fork` has it forked although it needs something for which it would be spawned (a native add-on, say). */
  readonly workerStart?: 'spawn' | 'fork';
  /** What is deployed besides code and what lies in the task's folder: paths and patterns, relative to that folder. `['../_shared/templates', '!../_shared/templates/*.psd']`. */
  readonly files?: readonly string[];
  /** Names of packages that Node loads by itself: for those that do not bear that their loading is sped up. */
  readonly external?: readonly string[];
  /** Names of packages that go into the bundle, as the project's own code does. */
  readonly bundle?: readonly string[];
}

/** What `scheduleTask` takes. At most one of `at` and `after`; with neither, the run is due at once. */
export type ScheduleOptions<Name extends TaskName = TaskName> = ScheduleTiming & {
  /** The task to run, in the same environment. */
  readonly task: Name;
} & ParametersOption<ParametersOf<Name>>;

export interface ScheduleTiming {
  /** Time to run. A past time means at once. */
  readonly at?: Date;
  /** Delay in milliseconds. */
  readonly after?: number;
  /** Runs with the same queue never overlap, whichever tasks they are. Without a queue, runs may overlap. */
  readonly queue?: string;
  /** While a run of this task with this key is unfinished, scheduling it again gives that run's id and changes nothing. */
  readonly key?: string;
}

/** `parameters` may be left out where the task's `run` can do without. They are converted to JSON and back. */
export type ParametersOption<Given> = unknown extends Given
  ? { readonly parameters?: object }
  : [Given] extends [undefined]
    ? { readonly parameters?: Record<string, never> }
    : Record<string, never> extends Given
      ? { readonly parameters?: Exclude<Given, undefined> }
      : undefined extends Given
        ? { readonly parameters?: Exclude<Given, undefined> }
        : { readonly parameters: Given };

/** The run, and the attempt of it, that is executing now. */
export interface RunInfo {
  readonly id: string;
  readonly task: string;
  readonly environment: string;
  readonly queue: string | null;
  /** Counted from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** The attempt's fencing token: a decimal string that grows from attempt to attempt. */
  readonly fence: string;
  /** The id of the run that scheduled this one. */
  readonly scheduledBy: string | null;
}

export interface CloudCode {
  /**
   * Schedules a run of a task. Once the promise has resolved, the run is durable: it will be attempted at least once.
   * Rejects, and changes nothing, when an option is not valid.
   */
  scheduleTask<Name extends TaskName>(options: ScheduleOptions<Name>): Promise<{ readonly id: string }>;
  /** Schedules many runs in one transaction: all of them or none. The ids come in the order of the list. */
  scheduleTasks<const Names extends readonly TaskName[]>(list: {
    readonly [Place in keyof Names]: ScheduleOptions<Names[Place]>;
  }): Promise<{ readonly id: string }[]>;
  readonly run: RunInfo;
}

/** Inside a task: the same object as the global `CloudCode`. Elsewhere its use throws. */
export declare const CloudCode: CloudCode;

/**
 * The models of a project, from schema.xml or data-model.ts. `cloudcode types` fills it in (cloudcode-env.d.ts); until then `DB` accepts
 * anything.
 */
export interface Models {}

/** The name of a model of this project. */
export type ModelName = keyof Models;

type FieldsOf<Name extends ModelName> = Models[Name] extends { fields: infer Fields } ? Fields : never;
type BelongsToOf<Name extends ModelName> = Models[Name] extends { belongsTo: infer BelongsTo } ? BelongsTo : never;
type HasManyOf<Name extends ModelName> = Models[Name] extends { hasMany: infer HasMany } ? HasMany : never;
type RelationshipsOf<Name extends ModelName> = BelongsToOf<Name> & HasManyOf<Name>;

export interface SaveOptions {
  /**
   * Rejects with `object_changed`, and writes nothing, when somebody else has saved the object since it was read; `reload()` it then, change it and save again. Asks also when nothing
   * was changed here.
   */
  readonly ifUnchanged?: boolean;
}

/** What every object of the data model has. */
export interface StoredObject {
  /** A UUID, there from the beginning. */
  readonly id: string;
  /** Stores a new object, or what was changed of one that is stored. Rejects when it was destroyed elsewhere (`object_destroyed`). */
  save(options?: SaveOptions): Promise<void>;
  /** Reads it again. Changes that were not saved are dropped. */
  reload(): Promise<void>;
  destroy(): Promise<void>;
  toJSON(): Record<string, unknown>;
}

type FieldValues<Name extends ModelName> = { [Field in keyof FieldsOf<Name>]: FieldsOf<Name>[Field] | null };
type References<Name extends ModelName> = {
  readonly [Other in keyof BelongsToOf<Name>]: Reference<BelongsToOf<Name>[Other]>;
};
type ReferenceIds<Name extends ModelName> = {
  [Other in keyof BelongsToOf<Name> as `${Other & string}_id`]: string | null;
};
type RelatedObjects<Name extends ModelName> = {
  readonly [Others in keyof HasManyOf<Name>]: Query<HasManyOf<Name>[Others] & ModelName>;
};

/** An object of a model: `DBObject<'asset'>`. */
export type DBObject<Name extends ModelName> = StoredObject &
  FieldValues<Name> &
  References<Name> &
  ReferenceIds<Name> &
  RelatedObjects<Name>;

/** A belongs-to of an object: called with nothing it reads the other object, called with an object or null it sets it. */
export interface Reference<Name> {
  (): Promise<DBObject<Name & ModelName> | null>;
  (object: DBObject<Name & ModelName> | null): void;
}

/** The values that `create` takes: of fields, and of belongs-to as objects or ids. */
export type Attributes<Name extends ModelName> = Partial<FieldValues<Name> & ReferenceIds<Name>> & {
  readonly [Other in keyof BelongsToOf<Name>]?: DBObject<BelongsToOf<Name>[Other] & ModelName> | null;
};

/** What stands for a `?` of an expression. */
export type Argument = ArgumentScalar | readonly ArgumentScalar[];
type ArgumentScalar = string | number | boolean | null | Date | Day | StoredObject;

type Sortable<Name extends ModelName> =
  | 'id'
  | {
      [Field in keyof FieldsOf<Name>]: FieldsOf<Name>[Field] extends Location | Attachment | readonly unknown[]
        ? never
        : Field & string;
    }[keyof FieldsOf<Name>]
  | (keyof BelongsToOf<Name> & string)
  | `${keyof BelongsToOf<Name> & string}_id`;

/** A field to order by; with a leading `-`, descending. */
export type OrderField<Name extends ModelName> = Sortable<Name> | `-${Sortable<Name>}`;

type First<Name extends ModelName> = keyof RelationshipsOf<Name> & string;

/** A path of relationships: `building`, `building.owner`. What comes after the second is not checked by the compiler. */
export type IncludePath<Name extends ModelName> = {
  [Other in First<Name>]: Other | `${Other}.${DeeperPath<RelationshipsOf<Name>[Other] & ModelName>}`;
}[First<Name>];
type DeeperPath<Name extends ModelName> = First<Name> | `${First<Name>}.${string}`;

/** The fields of type integer and number. */
export type NumberField<Name extends ModelName> = {
  [Field in keyof FieldsOf<Name>]: number extends FieldsOf<Name>[Field] ? Field & string : never;
}[keyof FieldsOf<Name>];

/** What is added to fields: `{ count: 1, price: -0.5 }`. */
export type Amounts<Name extends ModelName> = { readonly [Field in NumberField<Name>]?: number };

/** The new values of the fields that were incremented. */
export type Sums<Given> = { readonly [Field in keyof Given]: number };

/** Objects of a model that are to be found. Each step of the chain gives another query; nothing is read until it is asked for. */
export interface Query<Name extends ModelName> extends AsyncIterable<DBObject<Name>> {
  /** Of these, those that meet this condition too: `where('make = ? and count > ?', 'Ford', 3)`. */
  where(expression: string, ...args: Argument[]): Query<Name>;
  orderBy(...fields: OrderField<Name>[]): Query<Name>;
  limit(count: number): Query<Name>;
  skip(count: number): Query<Name>;
  /** Reads related objects with them, without a query for each. */
  include(...paths: IncludePath<Name>[]): Query<Name>;
  toArray(): Promise<DBObject<Name>[]>;
  /** The first one, or null. Without an order, any. */
  first(): Promise<DBObject<Name> | null>;
  count(): Promise<number>;
  /** Destroys them all, and says how many there were. */
  destroyAll(): Promise<number>;
  /** Calls `work` with one after another, and waits for each call. Reads in pages, as `for await` does. */
  forEach(work: (object: DBObject<Name>, index: number) => unknown): Promise<void>;
}

/** `DB.asset`: where the objects of a model are made and found. */
export interface Collection<Name extends ModelName> {
  /** A new object, which is not stored before `save()`. */
  create(attributes?: Attributes<Name>): DBObject<Name>;
  first(id: string): Promise<DBObject<Name> | null>;
  first(expression: string, ...args: Argument[]): Promise<DBObject<Name> | null>;
  /** Any one. */
  first(): Promise<DBObject<Name> | null>;
  /**
   * Adds to numbers of an object, in the database: of many who do so at once, nobody's is lost. Null counts as 0; an amount may be negative. Resolves to the new values. Done once, also
   * when a connection is lost. Rejects, and adds nothing, when there is no such object (`object_not_found`) or a sum does not fit (`invalid_value`).
   */
  increment<const Given extends Amounts<Name>>(
    id: string,
    amounts: Given & { readonly [Unknown in Exclude<keyof Given, NumberField<Name>>]: never },
  ): Promise<Sums<Given>>;
  all(): Query<Name>;
  where(expression: string, ...args: Argument[]): Query<Name>;
}

/** Many writes in one transaction: all of them or none. */
export interface Batch {
  /** With `ifUnchanged`, the whole batch is refused (`object_changed`) when somebody else has saved the object since it was read. */
  save(object: StoredObject, options?: SaveOptions): void;
  destroy(object: StoredObject): void;
  /** Adds to numbers of an object, as `DB.asset.increment` does. What `object` holds stays as it is until it is read again. */
  increment<Name extends ModelName>(object: DBObject<Name>, amounts: Amounts<Name>): void;
  increment<Name extends ModelName>(model: Collection<Name>, id: string, amounts: Amounts<Name>): void;
  /** The run is scheduled in the same transaction. */
  scheduleTask<Name extends TaskName>(options: ScheduleOptions<Name>): void;
  /** Calling it again after a lost connection does nothing twice. */
  execute(): Promise<{
    /** The runs, in the order of the calls of `scheduleTask`. */
    readonly scheduled: readonly { readonly id: string }[];
    /** The new values, in the order of the calls of `increment`. */
    readonly incremented: readonly Readonly<Record<string, number>>[];
  }>;
}

/** The environment's database: `DB.asset.first(id)`, `new DB.Batch()`. */
export type DB = keyof Models extends never
  ? any
  : { readonly [Name in ModelName]: Collection<Name> } & { readonly Batch: new () => Batch };

/** Inside a task: the same object as the global `DB`. Elsewhere its use throws. */
export declare const DB: DB;

/** A day of the calendar, without a time and without a zone: years 1 to 9999. It never changes. */
export declare class Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** `new Day('2026-03-01')` */
  constructor(text: string);
  /** `new Day(2026, 3, 1)` */
  constructor(year: number, month: number, day: number);
  /** The day that it is now in UTC, or in a time zone. */
  static today(timeZone?: string): Day;
  /** The day of a time in UTC, or in a time zone: `Day.from(date, 'Europe/Berlin')`. */
  static from(date: Date, timeZone?: string): Day;
  /** The day so many days later; earlier when `days` is negative. */
  addDays(days: number): Day;
  equals(other: unknown): boolean;
  /** Below 0 when this day is the earlier one: `days.sort((a, b) => a.compare(b))`. */
  compare(other: Day): number;
  /** Its midnight in UTC. */
  toDate(): Date;
  /** Days since 1970-01-01: `<` and `>` compare days. */
  valueOf(): number;
  /** `2026-03-01` */
  toString(): string;
  toJSON(): string;
}

/** A file of an `attachment`, `photo` or `signature` field: at most 10 MiB. It never changes. */
export declare class Attachment {
  readonly filename: string | null;
  readonly contentType: string | null;
  /** In bytes. */
  readonly size: number;
  /** Text is stored as UTF-8. */
  constructor(options: {
    readonly data: string | ArrayBuffer | ArrayBufferView;
    readonly filename?: string | null;
    readonly contentType?: string | null;
  });
  bytes(): Promise<Uint8Array>;
  /** The bytes as UTF-8. */
  text(): Promise<string>;
}

/** A place on earth: degrees, and metres. */
export interface Location {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude?: number | null;
  readonly horizontal_accuracy?: number | null;
  readonly vertical_accuracy?: number | null;
  /** When the place was measured. */
  readonly timestamp?: Date | null;
}

/** What cloudcode.config.ts exports by default. */
export interface ProjectConfig {
  /** Limits for every task that does not set its own. */
  readonly defaults?: Omit<TaskConfig, 'files' | 'external' | 'bundle'>;
  readonly environments?: Readonly<Record<string, EnvironmentConfig>>;
  readonly queues?: Readonly<Record<string, QueueConfig>>;
  /** What is deployed besides code and what lies in the tasks' folders: paths and patterns, relative to the project's folder. `['templates', 'data/*.csv']`. */
  readonly files?: readonly string[];
  /** What is kept of finished runs in each environment. */
  readonly retention?: RetentionConfig;
  /** How many attempts one runner executes at a time. Twice the cores, at least 4, unless set. */
  readonly concurrency?: number;
  /** How long a runner's lease lasts, in milliseconds: its death is noticed within this time by runners of other machines. 2000 to 600000; 15000 unless set. */
  readonly leaseMs?: number;
  /** What the npm packages that a deployment carries may have together, in MB (of 1,000,000 bytes). 500 unless set. */
  readonly maxPackagesMb?: number;
  /** What the files of a deployment besides its code and packages may have together, in MB (of 1,000,000 bytes). 100 unless set. */
  readonly maxFilesMb?: number;
  /** How a runner starts the process of each attempt: `spawn` (the default), or `fork`, where that works: several times faster, on Linux with a C compiler; docs/decisions/fork-server.md says what it lacks. */
  readonly workerStart?: 'spawn' | 'fork';
  /** Names of packages that Node loads by itself in every task: for those that do not bear that their loading is sped up. */
  readonly external?: readonly string[];
  /** Names of packages that go into the bundle of every task, as the project's own code does. */
  readonly bundle?: readonly string[];
}

export interface EnvironmentConfig {
  /** Environment variables that the tasks see. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Runs that are `dead` are kept until somebody retries or cancels them; the other finished ones are pruned with their attempts and console. */
export interface RetentionConfig {
  /** For so many days after they ended: 30 unless set. */
  readonly days?: number;
  /** So many of the newest: 1,000,000 unless set. */
  readonly runs?: number;
}

export interface QueueConfig {
  /** What the queue does while a run of it waits out its back-off: `wait` for it (the default, keeps the order) or `skip` to the next. */
  readonly onRetry?: 'wait' | 'skip';
}

/** Returns the configuration as it is, with its type checked: `export default defineConfig({ … })`. */
export declare function defineConfig(config: ProjectConfig): ProjectConfig;

interface FieldLabel {
  /** Made from the name unless given. */
  readonly label?: string;
  /** The name that the field had: the deployment moves its values. */
  readonly renamedFrom?: string;
}

/** A field of a model in data-model.ts. */
export type FieldDefinition = FieldLabel &
  (
    | {
        readonly type:
          | 'text'
          | `text:${string}`
          | 'integer'
          | 'number'
          | 'date'
          | 'datetime'
          | 'boolean'
          | 'location'
          | 'attachment'
          | 'photo'
          | 'signature';
        readonly options?: never;
      }
    | { readonly type: 'single-choice' | 'multiple-choice'; readonly options: Options<string> }
    | { readonly type: 'single-choice-integer' | 'multiple-choice-integer'; readonly options: Options<number> }
  );

/** Labels by key; or a list, for keys like `'10'`, which JavaScript would put into an order of its own. */
type Options<Key extends string | number> =
  | Readonly<Record<Key, string>>
  | readonly { readonly key: Key; readonly label?: string }[];

type KeysOf<Given, Part extends string> = Given extends { readonly [Key in Part]: infer Named }
  ? keyof Named & string
  : never;

/** The belongs-to of a model that refer to another. */
type InverseOf<Given, Model extends keyof Given, Owner> = Given[Model] extends { readonly belongsTo: infer BelongsTo }
  ? {
      [Name in keyof BelongsTo]: BelongsTo[Name] extends Owner | { readonly model: Owner } ? Name : never;
    }[keyof BelongsTo]
  : never;

type IndexedNames<Model> = readonly (KeysOf<Model, 'fields'> | KeysOf<Model, 'belongsTo'>)[];

/** A model in data-model.ts; the names of other models, of fields and of relationships are checked. */
export interface ModelDefinition<Given, Owner extends keyof Given> {
  /** Made from the name unless given. */
  readonly label?: string;
  /** The name that the model had: the deployment moves its objects. */
  readonly renamedFrom?: string;
  readonly fields?: { readonly [name: string]: FieldDefinition };
  /** Models by the names of the belongs-to. */
  readonly belongsTo?: {
    readonly [name: string]: keyof Given | { readonly model: keyof Given; readonly renamedFrom?: string };
  };
  /** Models by the names of the has-many. `inverseOf` is needed when the other model belongs to this one in several ways. */
  readonly hasMany?: {
    readonly [name: string]:
      | keyof Given
      | {
          [Model in keyof Given]: { readonly model: Model; readonly inverseOf?: InverseOf<Given, Model, Owner> };
        }[keyof Given];
  };
  readonly indexes?: readonly (
    | IndexedNames<Given[Owner]>
    | { readonly on: IndexedNames<Given[Owner]>; readonly name?: string }
  )[];
  /** `{field}` stands for the value of a field. */
  readonly display?: string;
  readonly webhooks?: readonly {
    readonly type: 'ready' | 'update';
    readonly name: string;
    readonly receiver: 'cloudcode';
    readonly action: TaskName;
  }[];
}

/** The models by name. */
export type DataModelDefinition<Given> = {
  readonly [Name in keyof Given]: ModelDefinition<Given, Name> & {
    readonly [Unknown in Exclude<keyof Given[Name], keyof ModelDefinition<Given, Name>>]: never;
  };
};

/** Returns the models as they are, with their types checked: `export default defineDataModel({ asset: { fields: { … } } })`. */
export declare function defineDataModel<const Given extends DataModelDefinition<Given>>(models: Given): Given;
