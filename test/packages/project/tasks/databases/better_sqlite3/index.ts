import Database from 'better-sqlite3';

export async function run() {
  const db = new Database(':memory:');
  db.exec('create table t (n int)');
  const insert = db.prepare('insert into t values (?)');
  db.transaction(() => [1, 2, 3].forEach((n) => insert.run(n)))();
  return db.prepare('select sum(n) as total from t').get();
}
