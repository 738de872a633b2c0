import PptxGenJS from 'pptxgenjs';

export async function run() {
  const slides = new PptxGenJS();
  slides.addSlide().addText('Hello', { x: 1, y: 1 });
  const bytes = await slides.write({ outputType: 'nodebuffer' });
  return bytes.subarray(0, 2).toString();
}
