import * as sass from 'sass';

export async function run() {
  return sass.compileString('$c: red; a { b { color: $c } }').css;
}
