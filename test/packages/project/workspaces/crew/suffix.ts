export const suffix: string = ' in a thread';
