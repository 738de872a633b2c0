import { PDFDocument, StandardFonts } from 'pdf-lib';

export async function run() {
  const document = await PDFDocument.create();
  const page = document.addPage([200, 100]);
  page.drawText('Hello', { font: await document.embedFont(StandardFonts.Helvetica) });
  return { pages: (await PDFDocument.load(await document.save())).getPageCount() };
}
