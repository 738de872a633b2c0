import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { Column, Entity, PrimaryGeneratedColumn, Repository } from 'typeorm';
import pg from 'pg';

@Entity()
class Thing {
  @PrimaryGeneratedColumn() id!: number;
  @Column() name!: string;
}

@Injectable()
class Things {
  constructor(@InjectRepository(Thing) private readonly things: Repository<Thing>) {}
  async add(name: string) { return this.things.save({ name }); }
}

export async function run({ postgres }) {
  const schema = `nest_${Math.random().toString(36).slice(2)}`;
  const client = new pg.Client(postgres);
  await client.connect();
  await client.query(`create schema ${schema}`);

  @Module({ imports: [TypeOrmModule.forRoot({ type: 'postgres', url: postgres, schema, entities: [Thing], synchronize: true }), TypeOrmModule.forFeature([Thing])], providers: [Things] })
  class AppModule {}

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const added = await app.get(Things).add('a');
  await app.close();
  await client.end();
  return added;
}
