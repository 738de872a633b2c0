import 'reflect-metadata';
import { container, injectable } from 'tsyringe';

@injectable()
class Names { get() { return 'Ada'; } }

@injectable()
class Greeter { constructor(private readonly names: Names) {} greet() { return `Hello ${this.names.get()}`; } }

export async function run() {
  return container.resolve(Greeter).greet();
}
