import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';

let done: (text: string) => void;
const first = new Promise<string>((resolve) => { done = resolve; });

@Injectable()
class Names { get() { return 'Ada'; } }

@Injectable()
class Jobs {
  constructor(private readonly names: Names, private readonly registry: SchedulerRegistry) {}
  @Interval('greet', 20)
  greet() { done(`${this.names.get()} ${this.registry.getIntervals().join()}`); }
}

@Module({ imports: [ScheduleModule.forRoot()], providers: [Names, Jobs] })
class AppModule {}

export async function run() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const text = await first;
  await app.close();
  return text;
}
