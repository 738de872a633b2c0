import _ from 'lodash';

export async function run() {
  return { chunks: _.chunk([1, 2, 3], 2), text: _.template('Hello <%= name %>')({ name: 'Ada' }) };
}
