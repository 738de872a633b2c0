import { bindExpression, type BoundExpression } from '../expression/check-condition.ts';
import type { Model } from '../model/data-model.ts';
import type { Condition } from '../protocol/data-calls.ts';
import { compileComparison } from './compile-comparison.ts';
import type { Parameters } from './statement.ts';

/**
 * The conditions of a selection as SQL on the table `t`: true for exactly the rows that match, else false or null. `not` is pushed down to the
 * comparisons, so that what is left are plain ones, which an index can serve.
 * @throws CloudCodeError `invalid_expression`
 */
export function compileWhere(model: Model, where: readonly Condition[], parameters: Parameters): string {
  if (where.length === 0) return 'true';
  return joined(
    'and',
    where.map((condition) => compile(bindExpression(model, condition), false, parameters)),
  );
}

function compile(expression: BoundExpression, isNegated: boolean, parameters: Parameters): string {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return joined(
        (expression.kind === 'and') === isNegated ? 'or' : 'and',
        expression.parts.map((part) => compile(part, isNegated, parameters)),
      );
    case 'not':
      return compile(expression.part, !isNegated, parameters);
    case 'comparison': {
      const { holds, fails } = compileComparison(expression, parameters);
      return isNegated ? fails : holds;
    }
  }
}

function joined(word: 'and' | 'or', parts: readonly string[]): string {
  return parts.length === 1 ? parts.join('') : `(${parts.join(` ${word} `)})`;
}
