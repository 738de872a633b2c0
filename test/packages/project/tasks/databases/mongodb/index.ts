import { BSON, MongoClient, ObjectId } from 'mongodb';

export async function run() {
  const bytes = BSON.serialize({ _id: new ObjectId('507f1f77bcf86cd799439011'), n: 1, at: new Date(0) });
  const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 200 });
  const refused = await client.connect().catch((error) => error.name);
  return { hex: Buffer.from(bytes).toString('hex'), refused };
}
