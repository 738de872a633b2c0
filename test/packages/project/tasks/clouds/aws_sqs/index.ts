import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const client = new SQSClient({ endpoint: url, region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    const { MessageId } = await client.send(new SendMessageCommand({ QueueUrl: `${url}/1/queue`, MessageBody: 'hello' }));
    return { MessageId, requests };
  }, JSON.stringify({ MessageId: 'm-1', MD5OfMessageBody: '5d41402abc4b2a76b9719d911017c592' }));
}
