import { DataTypes, Sequelize } from 'sequelize';

export async function run({ postgres }) {
  const db = new Sequelize(postgres, { logging: false });
  const Item = db.define('Item', { name: DataTypes.STRING }, { schema: 'public', timestamps: false });
  const [rows] = await db.query('select 1 + 1 as n');
  await db.close();
  return { rows, built: Item.build({ name: 'a' }).toJSON() };
}
