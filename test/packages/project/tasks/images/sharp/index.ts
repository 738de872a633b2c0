import sharp from 'sharp';

export async function run() {
  const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } }).resize(10).png().toBuffer();
  const { width, height, format } = await sharp(png).metadata();
  return { width, height, format };
}
