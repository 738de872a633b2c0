import { Edge } from 'edge.js';

export async function run() {
  const edge = Edge.create();
  edge.mount(new URL('./views', import.meta.url));
  return edge.render('page', { names: ['Ada', 'Bob'] });
}
