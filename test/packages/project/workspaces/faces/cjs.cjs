exports.face = `cjs ${require('#place').default}`;
