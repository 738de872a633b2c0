import semver from 'semver';

export const version: string = String(semver.parse('1.2.3'));
export const twice = (n: number): number => n * 2;
