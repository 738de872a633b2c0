import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

@Injectable()
class Names {
  get() { return 'Ada'; }
}

@Injectable()
class Greeter {
  constructor(private readonly names: Names) {}
  greet() { return `Hello ${this.names.get()}`; }
}

@Module({ providers: [Names, Greeter] })
class AppModule {}

export async function run() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const text = app.get(Greeter).greet();
  await app.close();
  return text;
}
