import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { PDFDocument } from 'pdf-lib';

export async function run() {
  const document = await PDFDocument.create();
  document.addPage([200, 100]).drawText('Hello pdfjs');
  const pdf = await getDocument({ data: await document.save(), verbosity: 0 }).promise;
  const content = await (await pdf.getPage(1)).getTextContent();
  return content.items.map((item) => item.str);
}
