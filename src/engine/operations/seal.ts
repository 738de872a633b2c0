import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** AES-256-GCM: a nonce of 96 random bits for each value, and a tag of 128. */
const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
export const keyBytes = 32;

/** @param boundTo what it belongs to: bytes that were moved elsewhere cannot be unsealed there. @returns nonce, ciphertext and tag */
export function seal(key: Buffer, value: Buffer, boundTo: readonly string[]): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(JSON.stringify(boundTo)));
  return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** Null when it was not sealed with this key and for this place, or was altered. */
export function unseal(key: Buffer, sealed: Buffer, boundTo: readonly string[]): Buffer | null {
  if (sealed.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(JSON.stringify(boundTo)));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    return null;
  }
}

/** Tells keys apart: 64 bits that say nothing of the key. */
export function keyId(key: Buffer): string {
  return Buffer.from(hkdfSync('sha256', key, '', 'cloudcode master key id', 8)).toString('hex');
}
