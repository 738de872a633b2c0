import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const totalAtMost = 32 * 1024 * 1024;
const textFrame = 1;

/** The text side of a WebSocket. */
export interface InspectorSocket {
  send(text: string): void;
  close(): void;
}

interface Listener {
  onOpen(): void;
  onText(text: string): void;
  /** Called once, also after `close`. */
  onEnd(): void;
}

/**
 * A WebSocket to the inspector of a Node process: the small part of RFC 6455 that it speaks (no fragments, no extensions). Node's own `WebSocket` was seen to hold up
 * the runner for 60 ms when it is first used, and has no limit to what a message may hold: what answers here may be a task that pretends to be an inspector.
 */
export function openInspectorSocket(address: string, listener: Listener): InspectorSocket {
  const { hostname, port, pathname } = new URL(address);
  const socket = connect({ host: hostname, port: Number(port) });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  socket.on('error', () => undefined); // 'close' follows
  socket.once('close', () => listener.onEnd());
  readFrames(socket, listener);
  return {
    send: (text) => void socket.write(frameOf(text)),
    close: () => void socket.destroy(),
  };
}

function readFrames(socket: Socket, listener: Listener): void {
  let buffered = Buffer.alloc(0);
  let total = 0;
  let isOpen = false;
  socket.on('data', (piece: Buffer) => {
    total += piece.length;
    if (total > totalAtMost) return void socket.destroy();
    buffered = buffered.length === 0 ? Buffer.from(piece) : Buffer.concat([buffered, piece]);
    if (!isOpen) {
      const end = buffered.indexOf('\r\n\r\n');
      if (end === -1) return;
      if (!buffered.toString('latin1', 0, end).startsWith('HTTP/1.1 101 ')) return void socket.destroy();
      buffered = buffered.subarray(end + 4);
      isOpen = true;
      listener.onOpen();
    }
    for (let frame = firstFrame(buffered); frame !== null; frame = firstFrame(buffered)) {
      buffered = buffered.subarray(frame.end);
      if (frame.opcode === textFrame) listener.onText(frame.payload.toString('utf8'));
      else return void socket.destroy();
    }
  });
}

/** The frame at the start of the bytes; null while it is not complete. */
function firstFrame(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer; readonly end: number } | null {
  if (bytes.length < 2) return null;
  const shortLength = bytes.readUInt8(1) & 0x7f;
  const start = shortLength === 127 ? 10 : shortLength === 126 ? 4 : 2;
  if (bytes.length < start) return null;
  const length =
    shortLength === 127 ? Number(bytes.readBigUInt64BE(2)) : shortLength === 126 ? bytes.readUInt16BE(2) : shortLength;
  const end = start + length;
  return bytes.length < end ? null : { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(start, end), end };
}

/** A client must mask what it sends; a mask of zeros leaves it as it is (masking protects proxies, and there is none). */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(0x80 | textFrame, 0);
  header.writeUInt8(0x80 | 126, 1);
  header.writeUInt16BE(payload.length, 2); // our commands are short
  return Buffer.concat([header, payload]);
}
