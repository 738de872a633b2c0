import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const s3 = new S3Client({ endpoint: url, region: 'eu-west-1', forcePathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'hello' }));
    const got = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }));
    return { status: got.$metadata.httpStatusCode, body: await got.Body?.transformToString(), requests };
  });
}
