import 'reflect-metadata';
import { Column, Model, Sequelize, Table } from 'sequelize-typescript';

@Table({ timestamps: false })
class Person extends Model {
  @Column declare name: string;
  @Column declare age: number;
}

export async function run({ postgres }) {
  const schema = `seq_${Math.random().toString(36).slice(2)}`;
  const sequelize = new Sequelize(postgres, { dialect: 'postgres', logging: false, models: [Person], schema });
  await sequelize.createSchema(schema, { logging: false });
  await sequelize.sync();
  await Person.create({ name: 'Ada', age: 36 });
  const people = await Person.findAll({ raw: true });
  await sequelize.dropSchema(schema, { logging: false });
  await sequelize.close();
  return people;
}
