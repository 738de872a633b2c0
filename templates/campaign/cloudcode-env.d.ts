// Written by `cloudcode types`; do not edit. It tells the compiler the names of the tasks and their parameters, and the data model.
declare module 'cloudcode' {
  interface Tasks {
    'breed': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/breed/index.js').run>;
    'chain': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/chain/index.js').run>;
    'crash': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/crash/index.js').run>;
    'fan_out': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/fan_out/index.js').run>;
    'hang': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/hang/index.js').run>;
    'hog': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/hog/index.js').run>;
    'step': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/step/index.js').run>;
  }

  interface Models {
    mark: {
      fields: {
        run: string;
        fence: string;
        attempt: number;
        queue: string;
      };
      belongsTo: {};
      hasMany: {};
    };
    tally: {
      fields: {
        queue: string;
        marks: number;
      };
      belongsTo: {};
      hasMany: {};
    };
    counter: {
      fields: {
        fences: number;
      };
      belongsTo: {};
      hasMany: {};
    };
  }
}

declare global {
  const CloudCode: import('cloudcode').CloudCode;
  const DB: import('cloudcode').DB;
  const Day: typeof import('cloudcode').Day;
  type Day = import('cloudcode').Day;
  const Attachment: typeof import('cloudcode').Attachment;
  type Attachment = import('cloudcode').Attachment;
}

export {};
