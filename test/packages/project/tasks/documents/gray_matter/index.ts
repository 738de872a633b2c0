import matter from 'gray-matter';

export async function run() {
  const { data, content } = matter('---\ntitle: A\n---\nBody');
  return { data, content };
}
