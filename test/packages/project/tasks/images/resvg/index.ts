import { Resvg } from '@resvg/resvg-js';

export async function run() {
  const image = new Resvg('<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10" fill="red"/></svg>').render();
  return { width: image.width, height: image.height, start: image.asPng().subarray(1, 4).toString() };
}
