import type { Named } from './named.ts';

export enum Mode { Fast = 'fast', Slow = 'slow' }

export class Car implements Named {
  constructor(readonly name: string, private readonly mode: Mode = Mode.Fast) {}
  tell(): string { return `${this.name} is ${this.mode}`; }
}
