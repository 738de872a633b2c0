import { connect } from 'amqplib';

export async function run() {
  return connect('amqp://127.0.0.1:1').then(() => 'connected', (error) => error.code);
}
