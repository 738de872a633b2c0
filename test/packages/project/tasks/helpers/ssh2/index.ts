import ssh2 from 'ssh2';

export async function run() {
  const keys = ssh2.utils.generateKeyPairSync('ed25519');
  return ssh2.utils.parseKey(keys.private).type;
}
