import { Jimp } from 'jimp';

export async function run() {
  const image = new Jimp({ width: 4, height: 2, color: 0xff0000ff });
  image.resize({ w: 2 });
  return { width: image.width, height: image.height, pixel: image.getPixelColor(0, 0), png: (await image.getBuffer('image/png')).subarray(1, 4).toString() };
}
