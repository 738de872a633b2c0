import { Window } from 'happy-dom';

export async function run() {
  const window = new Window();
  window.document.body.innerHTML = '<p>Hello</p>';
  const text = window.document.querySelector('p').textContent;
  await window.happyDOM.close();
  return text;
}
