import shell from 'shelljs';

export async function run({ folder }) {
  shell.config.silent = true;
  shell.mkdir('-p', `${folder}/shelljs/a`);
  new shell.ShellString('x').to(`${folder}/shelljs/a/b.txt`);
  return { files: [...shell.ls(`${folder}/shelljs/a`)], text: shell.cat(`${folder}/shelljs/a/b.txt`).toString() };
}
