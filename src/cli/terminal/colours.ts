import { styleText } from 'node:util';

export interface Colours {
  readonly cyan: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
}

type Paint = (text: string) => string;

/** @param isWanted without it, texts stay as they are */
export function coloursFor(isWanted: boolean): Colours {
  const paint = (name: keyof Colours): Paint => {
    return isWanted ? (text) => styleText(name, text, { validateStream: false }) : (text) => text;
  };
  return { cyan: paint('cyan'), dim: paint('dim'), green: paint('green'), red: paint('red'), yellow: paint('yellow') };
}
