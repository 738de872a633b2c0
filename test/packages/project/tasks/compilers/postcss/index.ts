import postcss from 'postcss';

export async function run() {
  return (await postcss([{ postcssPlugin: 'x', Declaration: (each) => { each.value = 'blue'; } }]).process('a{color:red}', { from: undefined })).css;
}
