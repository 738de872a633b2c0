import 'reflect-metadata';
import { Container, Service } from 'typedi';

@Service()
class Names { get() { return 'Ada'; } }

@Service()
class Greeter { constructor(private readonly names: Names) {} greet() { return `Hello ${this.names.get()}`; } }

export async function run() {
  return Container.get(Greeter).greet();
}
