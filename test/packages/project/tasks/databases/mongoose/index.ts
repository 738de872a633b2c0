import mongoose from 'mongoose';

export async function run() {
  const User = mongoose.model('User', new mongoose.Schema({ name: { type: String, required: true }, age: { type: Number, min: 1 } }));
  const error = new User({ age: 0 }).validateSync();
  return Object.fromEntries(Object.entries(error?.errors ?? {}).map(([key, { message }]) => [key, message]));
}
