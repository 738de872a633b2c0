import { ZipArchive } from 'archiver';
import JSZip from 'jszip';
import { buffer } from 'node:stream/consumers';

export async function run() {
  const archive = new ZipArchive();
  archive.append('hello', { name: 'a.txt' });
  archive.finalize();
  const zip = await JSZip.loadAsync(await buffer(archive));
  return zip.file('a.txt')?.async('string');
}
