import bcrypt from 'bcrypt';

export async function run() {
  return bcrypt.compare('secret', await bcrypt.hash('secret', 4));
}
