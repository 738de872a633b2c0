import { Document, Packer, Paragraph } from 'docx';
import mammoth from 'mammoth';

export async function run() {
  const file = await Packer.toBuffer(new Document({ sections: [{ children: [new Paragraph('Hello'), new Paragraph('World')] }] }));
  return (await mammoth.convertToHtml({ buffer: file })).value;
}
