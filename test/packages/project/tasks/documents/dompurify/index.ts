import DOMPurify from 'isomorphic-dompurify';

export async function run() {
  return DOMPurify.sanitize('<img src=x onerror=alert(1)><b>ok</b>');
}
