// Written by `cloudcode types`; do not edit. It tells the compiler the names of the tasks and their parameters, and the data model.
declare module 'cloudcode' {
  interface Tasks {
    'begin': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/begin/index.js').run>;
    'perform': object;
    'report': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/report/index.js').run>;
  }

  interface Models {
    customer: {
      fields: {
        name: string;
        email: string;
      };
      belongsTo: {};
      hasMany: {
        invoices: 'invoice';
      };
    };
    invoice: {
      fields: {
        number: string;
        /** Amount in cents */ cents: number;
        due: Day;
      };
      belongsTo: {
        customer: 'customer';
      };
      hasMany: {};
    };
    /** State of a task */ taskstate: {
      fields: {
        status: 'started' | 'complete';
        tries_remaining: number;
        /** Last error */ error: string;
      };
      belongsTo: {
        invoice: 'invoice';
      };
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
