import PDFDocument from 'pdfkit';
import { buffer } from 'node:stream/consumers';

export async function run() {
  const document = new PDFDocument({ info: { CreationDate: new Date(0) }, compress: false });
  document.fontSize(20).text('Hello').font('Times-Roman').text('World');
  document.end();
  const bytes = await buffer(document);
  return { start: bytes.subarray(0, 8).toString(), pages: bytes.toString('latin1').split('/Type /Page\n').length - 1, fonts: /Times-Roman/.test(bytes.toString('latin1')) };
}
