import place from '#place';

export const face = `esm ${place}`;
