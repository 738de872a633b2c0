import 'reflect-metadata';
import { buildSchema, prop } from '@typegoose/typegoose';

class Address { @prop() city?: string; }

class Person {
  @prop({ required: true }) name!: string;
  @prop() age?: number;
  @prop({ _id: false }) address?: Address;
}

export async function run() {
  const schema = buildSchema(Person);
  return Object.fromEntries(Object.entries(schema.paths).map(([name, { instance }]) => [name, instance]));
}
