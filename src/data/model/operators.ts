/** What a condition compares with. */
export const operators = ['=', '!=', '<', '>', '<=', '>=', 'contains', 'starts with', 'in'] as const;
export type Operator = (typeof operators)[number];

export const equality = ['=', '!='] as const satisfies readonly Operator[];
export const ordered = ['=', '!=', '<', '>', '<=', '>=', 'in'] as const satisfies readonly Operator[];
export const listed = ['=', '!=', 'in'] as const satisfies readonly Operator[];
export const chosen = ['=', '!=', 'contains'] as const satisfies readonly Operator[];
