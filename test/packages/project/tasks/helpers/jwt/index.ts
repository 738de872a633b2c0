import jwt from 'jsonwebtoken';
import { jwtVerify, SignJWT } from 'jose';

export async function run() {
  const key = Buffer.alloc(32, 1);
  const { payload } = await jwtVerify(await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' }).sign(key), key);
  return { jose: payload, jwt: jwt.verify(jwt.sign({ b: 2 }, 's', { noTimestamp: true }), 's') };
}
