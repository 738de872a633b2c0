import nodemailer from 'nodemailer';
import { simpleParser } from 'mailparser';
import { once } from 'node:events';
import { SMTPServer } from 'smtp-server';

export async function run() {
  const mails = [];
  const server = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], onData: (stream, _session, done) => { simpleParser(stream).then((mail) => { mails.push({ subject: mail.subject, text: mail.text, files: mail.attachments.length }); done(); }, done); } });
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: listening.address().port, secure: false });
  const { accepted } = await transport.sendMail({ from: 'a@example.org', to: 'b@example.org', subject: 'Grüße', text: 'hello', attachments: [{ filename: 'a.txt', content: 'x' }] });
  transport.close();
  await new Promise((done) => server.close(done));
  return { accepted, mails };
}
