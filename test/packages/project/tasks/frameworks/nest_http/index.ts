import 'reflect-metadata';
import { Controller, Get, Injectable, Module, Param, ParseIntPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

@Injectable()
class Doubles { of(n: number) { return n * 2; } }

@Controller('doubles')
class DoublesController {
  constructor(private readonly doubles: Doubles) {}
  @Get(':n')
  get(@Param('n', ParseIntPipe) n: number) { return { double: this.doubles.of(n) }; }
}

@Module({ controllers: [DoublesController], providers: [Doubles] })
class AppModule {}

export async function run() {
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();
  const answers = [];
  for (const n of ['21', 'x']) {
    const answer = await fetch(`http://127.0.0.1:${port}/doubles/${n}`);
    answers.push([answer.status, await answer.json()]);
  }
  await app.close();
  return answers;
}
