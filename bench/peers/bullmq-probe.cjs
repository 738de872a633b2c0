module.exports = async () => Number(process.hrtime.bigint()) / 1e6;
