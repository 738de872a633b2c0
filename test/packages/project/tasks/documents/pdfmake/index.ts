import pdfmake from 'pdfmake';

export async function run() {
  pdfmake.setFonts({ Helvetica: { normal: 'Helvetica', bold: 'Helvetica-Bold' } });
  const bytes = await pdfmake.createPdf({ content: ['Hello', { table: { body: [['a', 'b']] } }], defaultStyle: { font: 'Helvetica' }, compress: false }).getBuffer();
  const text = Buffer.from(bytes).toString('latin1');
  return { start: text.slice(0, 5), isHelvetica: text.includes('/BaseFont /Helvetica') };
}
