import { render } from '@react-email/render';
import { createElement } from 'react';

export async function run() {
  return render(createElement('p', null, 'Hello ', createElement('b', null, 'Ada')));
}
