import { createElement, Suspense, use } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { renderToPipeableStream } from 'react-dom/server';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { readFileSync } from 'node:fs';

const later = Promise.resolve('Ada');
const Name = () => createElement('b', null, use(later));

export async function run() {
  const style = readFileSync(new URL('./page.css', import.meta.url), 'utf8');
  const through = new PassThrough();
  const { pipe } = renderToPipeableStream(createElement(Suspense, { fallback: '…' }, createElement(Name)), { onAllReady: () => { pipe(through); } });
  return { page: renderToStaticMarkup(createElement('style', null, style)), streamed: await text(through) };
}
