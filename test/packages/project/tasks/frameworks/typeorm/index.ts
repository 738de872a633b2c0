import 'reflect-metadata';
import { Column, DataSource, Entity, PrimaryGeneratedColumn } from 'typeorm';
import pg from 'pg';

@Entity()
class Item {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
}

export async function run({ postgres }) {
  const schema = `orm_${Math.random().toString(36).slice(2)}`;
  const client = new pg.Client(postgres);
  await client.connect();
  await client.query(`create schema ${schema}`);
  await client.end();
  const source = new DataSource({ type: 'postgres', url: postgres, schema, entities: [Item], synchronize: true });
  await source.initialize();
  await source.getRepository(Item).save({ name: 'a' });
  const items = await source.getRepository(Item).find();
  const same = (source.driver as any).postgres === pg;
  await source.destroy();
  return { items, same };
}
