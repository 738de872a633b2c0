import { simpleParser } from 'mailparser';

export async function run() {
  const mail = await simpleParser('From: a@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>');
  return { subject: mail.subject, text: mail.text, html: mail.html };
}
