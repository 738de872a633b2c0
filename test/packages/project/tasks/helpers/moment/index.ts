import moment from 'moment';

export async function run() {
  moment.locale('de');
  return { locale: moment.locale(), day: moment.utc(0).format('dddd, LL') };
}
