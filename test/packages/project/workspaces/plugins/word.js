export const word = 'second';
