import type { CheckStart } from '../engine/operations/variables.ts';

/** By the Node of this process; what it takes is loaded when it is first asked. */
export const checkStart: CheckStart = async (variables, secrets) =>
  (await import('../project/check-start-variables.ts')).checkVariablesToStartWith(variables, secrets);
