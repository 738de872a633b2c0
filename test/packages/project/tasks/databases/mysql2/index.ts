import mysql from 'mysql2/promise';

export async function run() {
  const sql = mysql.format('select * from ?? where a = ? and b in (?)', ['table', "it's", [1, 2]]);
  const refused = await mysql.createConnection({ host: '127.0.0.1', port: 1 }).catch((error) => error.code);
  return { sql, refused };
}
