import * as XLSX from 'xlsx';

export async function run() {
  const book = XLSX.utils.book_new();
  XLSX.utils.book_append_sheet(book, XLSX.utils.json_to_sheet([{ a: 1, b: 'x' }]), 's');
  return XLSX.utils.sheet_to_json(XLSX.read(XLSX.write(book, { type: 'buffer', bookType: 'xlsx' })).Sheets.s);
}
