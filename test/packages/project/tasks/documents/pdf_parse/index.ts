import { PDFParse } from 'pdf-parse';
import { PDFDocument } from 'pdf-lib';

export async function run() {
  const document = await PDFDocument.create();
  document.addPage([200, 100]).drawText('Hello parse');
  const parser = new PDFParse({ data: await document.save() });
  const { text } = await parser.getText();
  await parser.destroy();
  return text.includes('Hello parse');
}
