import { createCanvas, loadImage } from '@napi-rs/canvas';

export async function run() {
  const canvas = createCanvas(10, 10);
  const context = canvas.getContext('2d');
  context.fillStyle = '#00ff00';
  context.fillRect(0, 0, 10, 10);
  const image = await loadImage(canvas.toBuffer('image/png'));
  return { width: image.width, pixel: [...context.getImageData(1, 1, 1, 1).data] };
}
