// Written by `cloudcode types`; do not edit. It tells the compiler the names of the tasks and their parameters.
declare module 'cloudcode' {
  interface Tasks {
    'count_primes': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/count_primes/index.js').run>;
    'save_result': import('cloudcode').ParametersOfRun<typeof import('./cloudcode/save_result/index.js').run>;
  }
}

declare global {
  const CloudCode: import('cloudcode').CloudCode;
}

export {};
