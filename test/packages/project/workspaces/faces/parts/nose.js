export const part = 'nose';
