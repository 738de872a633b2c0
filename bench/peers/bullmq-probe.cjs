module.exports = async () => performance.timeOrigin + performance.now();
