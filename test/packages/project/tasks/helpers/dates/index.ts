import { addDays, format } from 'date-fns';
import { de } from 'date-fns/locale';
import dayjs from 'dayjs';
import 'dayjs/locale/de.js';
import { DateTime } from 'luxon';

export async function run() {
  return { fns: format(addDays(new Date(2026, 0, 1), 1), 'PPPP', { locale: de }), dayjs: dayjs('2026-01-01').locale('de').format('dddd'), luxon: DateTime.fromISO('2026-01-01', { zone: 'Asia/Tokyo' }).toISO() };
}
