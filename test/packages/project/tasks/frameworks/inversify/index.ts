import 'reflect-metadata';
import { Container, inject, injectable } from 'inversify';

@injectable()
class Names { get() { return 'Ada'; } }

@injectable()
class Greeter { constructor(@inject(Names) private readonly names: Names) {} greet() { return `Hello ${this.names.get()}`; } }

export async function run() {
  const container = new Container();
  container.bind(Names).toSelf();
  container.bind(Greeter).toSelf();
  return container.get(Greeter).greet();
}
