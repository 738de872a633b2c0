import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { withServer } from '../support.ts';

export async function run() {
  return withServer(async (url, requests) => {
    const service = new BlobServiceClient(`${url}/account`, new StorageSharedKeyCredential('account', Buffer.from('secret').toString('base64')));
    await service.getContainerClient('box').getBlockBlobClient('file.txt').upload('hello', 5);
    return { requests };
  }, '', 201);
}
