import Ajv from 'ajv';
import Joi from 'joi';
import * as yup from 'yup';
import { z } from 'zod';

export async function run() {
  return {
    zod: z.object({ a: z.number() }).safeParse({ a: 'x' }).error?.issues[0]?.code,
    joi: Joi.object({ a: Joi.number() }).validate({ a: 'x' }).error?.message,
    ajv: new Ajv().validate({ type: 'object', required: ['a'] }, {}),
    yup: await yup.object({ a: yup.number().required() }).isValid({}),
  };
}
