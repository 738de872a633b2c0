import ExcelJS from 'exceljs';

export async function run() {
  const book = new ExcelJS.Workbook();
  book.addWorksheet('s').addRows([[1, 'a'], [2, 'b']]);
  const again = new ExcelJS.Workbook();
  await again.xlsx.load(await book.xlsx.writeBuffer());
  return again.getWorksheet('s').getSheetValues();
}
