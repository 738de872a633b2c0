import Papa from 'papaparse';

export async function run() {
  return { data: Papa.parse('a,b\n1,2', { header: true }).data, text: Papa.unparse([{ a: 1 }]) };
}
