import path from 'node:path';
import nodemailer from 'nodemailer';
import type { SendMailOptions } from 'nodemailer';
import { readJson, writeJson, writeWhole } from '../../src/import-folder.ts';

/** A mail server can be away for a while: more patience than the default. */
export const config = { timeoutMs: 60_000, maxAttempts: 8 };

interface Parameters {
  /** Names the mail: two runs with one id send it once. */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  readonly to?: string;
  readonly attachments?: readonly { readonly filename: string; readonly path: string }[];
}

/** The one place that knows how to send mail: other tasks schedule it, and it is tried again for them when the server is away. */
export async function run({ id, subject, text, to, attachments = [] }: Parameters) {
  const name = path.basename(id);
  const recordFile = path.join('output', 'mail', `${name}.json`);
  const sent = await readJson<{ to: string; how: string }>(recordFile);
  if (sent !== undefined) {
    console.log(`mail ${id} has gone to ${sent.to} before`);
    return sent;
  }

  const recipient = to ?? process.env.MAIL_TO ?? 'reader@example.org';
  const message = {
    // The same for each attempt: should an attempt die between the server's OK and the record, the receiver can tell the double.
    messageId: `<${name}@cloudcode.example>`,
    from: process.env.MAIL_FROM ?? 'weather@example.org',
    to: recipient,
    subject,
    text,
    attachments: attachments.map((attachment) => ({ ...attachment })),
  };
  const record = { to: recipient, how: await deliver(name, message) };
  await writeJson(recordFile, record);
  console.log(`mail ${id} to ${record.to}: ${record.how}`);
  return record;
}

/** By SMTP where a server is configured, else into a file that any mail program opens. Tells which of the two. */
async function deliver(name: string, message: SendMailOptions): Promise<string> {
  const url = process.env.SMTP_URL ?? '';
  if (url !== '') {
    await nodemailer.createTransport(url).sendMail(message);
    return `sent through ${new URL(url).host}`;
  }
  const info = await nodemailer
    .createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
    .sendMail(message);
  const file = path.join('output', 'mail', `${name}.eml`);
  if (!Buffer.isBuffer(info.message)) throw new Error('nodemailer gave a stream where a buffer was asked for');
  await writeWhole(file, info.message);
  return `written to ${file}`;
}
