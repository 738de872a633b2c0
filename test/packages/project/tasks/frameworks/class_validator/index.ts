import 'reflect-metadata';
import { plainToInstance, Type } from 'class-transformer';
import { IsEmail, IsInt, Max, validate, ValidateNested } from 'class-validator';

class Address { @IsInt() @Max(99) number!: number; }

class User {
  @IsEmail() email!: string;
  @ValidateNested() @Type(() => Address) address!: Address;
}

export async function run() {
  const errors = await validate(plainToInstance(User, { email: 'no', address: { number: 100 } }));
  return errors.map(({ property, constraints, children }) => ({ property, constraints, children: children?.length }));
}
