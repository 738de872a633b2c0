export default 'node';
