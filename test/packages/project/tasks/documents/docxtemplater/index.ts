import { Document, Packer, Paragraph } from 'docx';
import Docxtemplater from 'docxtemplater';
import mammoth from 'mammoth';
import PizZip from 'pizzip';

export async function run() {
  const template = await Packer.toBuffer(new Document({ sections: [{ children: [new Paragraph('Dear {name},'), new Paragraph('{#items}{.} {/items}')] }] }));
  const filled = new Docxtemplater(new PizZip(template), { paragraphLoop: true });
  filled.render({ name: 'Ada', items: ['a', 'b'] });
  return (await mammoth.extractRawText({ buffer: filled.getZip().generate({ type: 'nodebuffer' }) })).value;
}
