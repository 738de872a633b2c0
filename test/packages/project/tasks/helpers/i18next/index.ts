import i18next from 'i18next';

export async function run() {
  await i18next.init({ lng: 'de', showSupportNotice: false, resources: { de: { translation: { hi: 'Hallo {{name}}' } } } });
  return i18next.t('hi', { name: 'Ada' });
}
