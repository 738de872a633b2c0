import { PNG } from 'pngjs';

export async function run() {
  const png = new PNG({ width: 2, height: 2 });
  png.data.fill(255);
  const again = PNG.sync.read(PNG.sync.write(png));
  return { width: again.width, bytes: again.data.length };
}
