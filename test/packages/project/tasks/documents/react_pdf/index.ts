import { Document, Page, renderToBuffer, Text, View } from '@react-pdf/renderer';
import { createElement } from 'react';

export async function run() {
  const page = createElement(Page, { size: 'A6' }, createElement(View, { style: { flexDirection: 'row' } }, createElement(Text, null, 'Hello')));
  const bytes = await renderToBuffer(createElement(Document, null, page));
  return { start: bytes.subarray(0, 5).toString(), isLong: bytes.length > 800 };
}
