import argon2 from 'argon2';

export async function run() {
  return argon2.verify(await argon2.hash('secret', { memoryCost: 1024, timeCost: 2 }), 'secret');
}
