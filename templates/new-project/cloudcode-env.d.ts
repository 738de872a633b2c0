// Written by `cloudcode types`; do not edit. It tells the compiler the names of the tasks and their parameters, and the data model.
declare module 'cloudcode' {
  interface Tasks {
    'count_primes': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/count_primes/index.js').run>;
    'save_result': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/save_result/index.js').run>;
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
