import { cert, initializeApp } from 'firebase-admin/app';
import { getAuth } from 'firebase-admin/auth';
import { generateKeyPairSync } from 'node:crypto';

export async function run() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const app = initializeApp({ credential: cert({ projectId: 'project', clientEmail: 'a@project.example', privateKey }) });
  const token = await getAuth(app).createCustomToken('user-1', { admin: true });
  const { uid, claims } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return { name: app.name, uid, claims };
}
