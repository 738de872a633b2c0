export default () => 'first';
