import { XMLBuilder, XMLParser } from 'fast-xml-parser';

export async function run() {
  const parsed = new XMLParser({ ignoreAttributes: false }).parse('<a id="1"><b>x</b><b>y</b></a>');
  return { parsed, xml: new XMLBuilder({ ignoreAttributes: false }).build(parsed) };
}
