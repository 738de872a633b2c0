import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const client = new DynamoDBClient({ endpoint: url, region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    const { $metadata } = await client.send(new PutItemCommand({ TableName: 'table', Item: { id: { S: '1' }, n: { N: '42' } } }));
    return { status: $metadata.httpStatusCode, requests };
  }, '{}');
}
