import 'reflect-metadata';
import { graphql } from 'graphql';
import { Arg, buildSchema, Query, Resolver } from 'type-graphql';

@Resolver()
class HelloResolver {
  @Query()
  hello(@Arg('name') name: string): string { return `Hello ${name}`; }
}

export async function run() {
  const schema = await buildSchema({ resolvers: [HelloResolver], validate: false });
  return (await graphql({ schema, source: '{ hello(name: "Ada") }' })).data;
}
