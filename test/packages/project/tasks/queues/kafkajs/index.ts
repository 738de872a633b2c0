import { Kafka, logLevel, Partitioners } from 'kafkajs';

export async function run() {
  const kafka = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 300 });
  const refused = await kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }).connect().catch((error) => error.name);
  const partition = Partitioners.DefaultPartitioner()({ topic: 't', partitionMetadata: [{ partitionId: 0, leader: 1 }, { partitionId: 1, leader: 1 }], message: { key: 'a', value: 'b' } });
  return { refused, partition };
}
