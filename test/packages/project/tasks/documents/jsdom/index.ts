import { JSDOM } from 'jsdom';

export async function run() {
  const { window } = new JSDOM('<p id=a>Hello</p><script>document.getElementById("a").textContent += "!"</script>', { runScripts: 'dangerously' });
  return window.document.querySelector('p')?.outerHTML;
}
