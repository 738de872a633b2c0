import type { Model } from '../model/data-model.ts';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { argumentValue, type ArgumentValue } from './argument-values.ts';
import { type Attribute, attributesOf, describeAttribute, hintForUnknown, operatorsOf } from './attributes.ts';
import type { Operator } from '../model/operators.ts';
import { type ExpressionNode, parseExpression } from './parse-expression.ts';
import { invalidExpression } from './point-at.ts';

/** An expression whose names are attributes of a model, with a value of the right type for each. */
export type BoundExpression =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly BoundExpression[] }
  | { readonly kind: 'not'; readonly part: BoundExpression }
  | BoundComparison;

export interface BoundComparison {
  readonly kind: 'comparison';
  readonly attribute: Attribute;
  readonly operator: Operator;
  readonly value: ArgumentValue;
}

/**
 * Checks an expression and its arguments against a model, and gives the condition as it travels: each argument turned into a value of JSON.
 * @throws CloudCodeError `invalid_expression`, with a caret under the place
 */
export function checkCondition(
  model: Model,
  text: unknown,
  args: readonly unknown[],
): { readonly expression: string; readonly args: readonly ArgumentValue[] } {
  if (typeof text !== 'string') {
    throw new CloudCodeError('invalid_expression', `An expression is a string; this is ${describeValue(text)}.`, {
      hint: "Write where('make = ?', 'Nokia').",
    });
  }
  return { expression: text, args: bind(model, text, args).values };
}

/**
 * The expression of a condition with its attributes and values. What checkCondition gave passes again.
 * @throws CloudCodeError `invalid_expression`
 */
export function bindExpression(
  model: Model,
  condition: { readonly expression: string; readonly args: readonly unknown[] },
): BoundExpression {
  return bind(model, condition.expression, condition.args).root;
}

interface Binding {
  readonly model: Model;
  readonly text: string;
  readonly places: readonly number[];
  readonly args: readonly unknown[];
  readonly values: ArgumentValue[];
}

function bind(
  model: Model,
  text: string,
  args: readonly unknown[],
): { readonly root: BoundExpression; readonly values: readonly ArgumentValue[] } {
  const { root, places } = parseExpression(text);
  refuseWrongCount(text, places, args);
  const values: ArgumentValue[] = [];
  return { root: bindNode(root, { model, text, places, args, values }), values };
}

function refuseWrongCount(text: string, places: readonly number[], args: readonly unknown[]): void {
  if (args.length === places.length) return;
  const given =
    args.length === 0 ? 'no argument was' : args.length === 1 ? '1 argument was' : `${args.length} arguments were`;
  const isOneArray = args.length === 1 && Array.isArray(args[0]);
  throw invalidExpression(text, {
    at: places[args.length] ?? places.at(-1) ?? 0,
    message: `The expression has ${places.length} ?, and ${given} given.`,
    hint: isOneArray ? 'Give the arguments one by one, not as an array.' : 'Give one argument for each ?, in order.',
  });
}

function bindNode(node: ExpressionNode, binding: Binding): BoundExpression {
  switch (node.kind) {
    case 'and':
    case 'or':
      return { kind: node.kind, parts: node.parts.map((part) => bindNode(part, binding)) };
    case 'not':
      return { kind: 'not', part: bindNode(node.part, binding) };
    case 'comparison':
      return bindComparison(node, binding);
  }
}

function bindComparison(node: ExpressionNode & { kind: 'comparison' }, binding: Binding): BoundComparison {
  const { model, text } = binding;
  const { name, operator, argument } = node;
  const attribute = attributesOf(model).get(name);
  if (attribute === undefined) {
    throw invalidExpression(text, {
      at: node.at,
      message: `The model \`${model.name}\` has no field \`${name}\`.`,
      hint: hintForUnknown(model, name),
    });
  }
  const known = operatorsOf(attribute);
  if (!known.includes(operator)) {
    throw invalidExpression(text, {
      at: node.operatorAt,
      message: `${describeAttribute(attribute)}, which \`${operator}\` does not compare.`,
      hint: `Use ${known.join(', ')}.`,
    });
  }
  const at = binding.places[argument] ?? node.at;
  const value = argumentValue(binding.args[argument], {
    attribute,
    operator,
    label: `argument ${argument + 1}`,
    refuse: (message, hint) => invalidExpression(text, { at, message, hint }),
  });
  binding.values.push(value);
  return { kind: 'comparison', attribute, operator, value };
}
