import { Connection, TYPES } from 'tedious';

export async function run() {
  const refused = await new Promise((resolve) => {
    const connection = new Connection({ server: '127.0.0.1', options: { port: 1, connectTimeout: 500 }, authentication: { type: 'default', options: { userName: 'a', password: 'b' } } });
    connection.connect((error) => resolve(error?.code ?? error?.name));
  });
  return { refused, type: TYPES.NVarChar.name };
}
