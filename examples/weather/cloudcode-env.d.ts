// Written by `cloudcode types`; do not edit. It tells the compiler the names of the tasks and their parameters, and the data model.
declare module 'cloudcode' {
  interface Tasks {
    'import_csv': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/import_csv/index.js').run>;
    'send_mail': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/send_mail/index.js').run>;
    'summarise_month': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/summarise_month/index.js').run>;
    'write_report': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/write_report/index.js').run>;
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
