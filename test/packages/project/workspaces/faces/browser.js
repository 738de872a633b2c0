export const face = 'browser';
