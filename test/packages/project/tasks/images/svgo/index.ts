import { optimize } from 'svgo';

export async function run() {
  return optimize('<svg xmlns="http://www.w3.org/2000/svg"><!-- x --><g><path d="M 10 10 L 20 20"/></g></svg>').data;
}
