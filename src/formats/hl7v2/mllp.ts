/**
 * MLLP framing (HL7 Transport Specification, Minimal Lower Layer Protocol 1.0): `VT message FS CR`. Pure: bytes in, frames
 * out; doors and senders share it.
 */

const VT = 0x0b;
const FS = 0x1c;
const CR = 0x0d;
const LF = 0x0a;
const START_OF_MESSAGE = Buffer.from('MSH');
/** How much is kept of what is not taken, to acknowledge it. */
const HEAD = 8192;
/** From here on a message grows in a buffer of its own instead of as a list of pieces. */
const LARGE = 256 * 1024;

/** One message framed for the wire. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(message.length + 3);
  framed[0] = VT;
  framed.set(message, 1);
  framed[message.length + 1] = FS;
  framed[message.length + 2] = CR;
  return framed;
}

/**
 * - `message`: complete; `bytes` is what stood between the marks
 * - `oversized`: longer than the limit and skipped; `bytes` is its head, `size` how long it was
 * - `truncated`: a new message began before this one had ended; `bytes` is its head
 * - `unframed`: bytes without a start mark before them; `bytes` is their head
 */
export interface Frame {
  kind: 'message' | 'oversized' | 'truncated' | 'unframed';
  bytes: Uint8Array;
  size: number;
}

/** Cuts a stream of bytes into messages (HL7 transport, MLLP release 1). */
export interface FrameDecoder {
  /** Takes the next bytes of the stream, however they were cut, and answers the frames they complete, in order. */
  push(chunk: Uint8Array): Frame[];
  /** Bytes of a frame that has begun and not ended; 0 between frames. */
  pending(): number;
  /** The sender has fallen silent or gone: a message whose last byte is FS is complete without its CR. */
  flush(): Frame[];
}

/** A decoder for one connection. Memory is bounded by `maxBytes`; what is longer is counted and dropped as it comes. */
export function frameDecoder({ maxBytes }: { maxBytes: number }): FrameDecoder {
  return new Decoder(maxBytes);
}

class Decoder implements FrameDecoder {
  private readonly maxBytes: number;
  private inside = false;
  private pieces: Uint8Array[] = [];
  private large: ArrayBuffer | undefined;
  private size = 0;
  /** Bytes kept in `pieces`; smaller than `size` once the frame is too long or unframed. */
  private kept = 0;
  /** The last byte was FS, and what follows decides. */
  private ending = false;
  /** The last bytes of the chunk before, when only what follows tells what they are: VT and part of `MSH`, or FS. */
  private carried: Buffer | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  pending(): number {
    return this.size;
  }

  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.carried) {
      bytes = Buffer.concat([this.carried, bytes]);
      this.carried = undefined;
    }
    let at = 0;
    if (this.ending && bytes.length > 0) {
      this.ending = false;
      const next = bytes[0]!;
      if (next === CR || next === LF || next === VT) {
        this.finish(frames);
        at = next === VT ? 0 : 1;
      } else this.keep(Buffer.of(FS));
    }
    while (at < bytes.length) at = this.inside ? this.within(bytes, at, frames) : this.between(bytes, at, frames);
    return frames;
  }

  flush(): Frame[] {
    const frames: Frame[] = [];
    if (this.ending) {
      this.ending = false;
      this.finish(frames);
    }
    return frames;
  }

  /** Outside a frame: blanks are nothing, anything else up to the next VT is unframed. */
  private between(bytes: Buffer, from: number, frames: Frame[]): number {
    const start = bytes.indexOf(VT, from);
    const stop = start < 0 ? bytes.length : start;
    const end = endMark(bytes, from, stop);
    const open = end < 0 && start < 0 && bytes[stop - 1] === FS;
    if (open) this.carried = Buffer.of(FS);
    const until = open ? stop - 1 : end < 0 ? stop : end;
    this.keep(bytes.subarray(this.size > 0 ? from : skipBlanks(bytes, from, until), until));
    if (end >= 0) {
      if (this.size > 0) this.emit('unframed', frames);
      return end + 2;
    }
    if (start < 0) return bytes.length;
    if (this.size > 0) this.emit('unframed', frames);
    this.inside = true;
    return start + 1;
  }

  /** Inside a frame: up to FS CR; a VT before `MSH` means that the message before was cut off. */
  private within(bytes: Buffer, from: number, frames: Frame[]): number {
    let at = from;
    for (;;) {
      const end = bytes.indexOf(FS, at);
      const stop = end < 0 ? bytes.length : end;
      const begun = this.restartAt(bytes, at, stop);
      if (begun >= 0) return this.cutOff(bytes, from, begun, frames);
      if (end < 0) {
        this.keep(bytes.subarray(from));
        return bytes.length;
      }
      const next = bytes[end + 1];
      if (next === undefined) {
        this.keep(bytes.subarray(from, end));
        this.ending = true;
        return bytes.length;
      }
      if (next === CR || next === LF || next === VT) {
        this.keep(bytes.subarray(from, end));
        this.finish(frames);
        return next === VT ? end + 1 : end + 2;
      }
      at = end + 1;
    }
  }

  /** Offset of a VT that begins a new message; a VT that stands in text is text. */
  private restartAt(bytes: Buffer, from: number, to: number): number {
    for (let at = bytes.indexOf(VT, from); at >= 0 && at < to; at = bytes.indexOf(VT, at + 1)) {
      const following = bytes.subarray(at + 1, at + 4);
      if (following.equals(START_OF_MESSAGE.subarray(0, following.length))) return at;
    }
    return -1;
  }

  private cutOff(bytes: Buffer, from: number, begun: number, frames: Frame[]): number {
    this.keep(bytes.subarray(from, begun));
    if (bytes.length - begun < 4) {
      this.carried = Buffer.from(bytes.subarray(begun));
      return bytes.length;
    }
    if (this.size > 0) this.emit('truncated', frames);
    this.inside = true;
    return begun + 1;
  }

  private keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.size += piece.length;
    if (this.size <= (this.inside ? this.maxBytes : HEAD)) this.add(piece);
    else if (this.kept > HEAD || this.pieces.length > 1) this.dropTail();
    else if (this.kept === 0) this.add(Buffer.from(piece.subarray(0, HEAD)));
  }

  /** Small messages stay where the socket put them; a large one grows in one place, so that it is never there twice. */
  private add(piece: Uint8Array): void {
    if (!this.large && this.kept + piece.length > LARGE) {
      this.large = new ArrayBuffer(0, { maxByteLength: Math.max(this.maxBytes, HEAD) });
      const earlier = this.pieces;
      this.pieces = [];
      this.kept = 0;
      for (const one of earlier) this.add(one);
    }
    if (this.large) {
      this.large.resize(this.kept + piece.length);
      new Uint8Array(this.large).set(piece, this.kept);
    } else this.pieces.push(piece);
    this.kept += piece.length;
  }

  private dropTail(): void {
    const head = Buffer.from(this.taken(HEAD));
    this.large = undefined;
    this.pieces = [head];
    this.kept = head.length;
  }

  /** What was kept, at most so many bytes of it. */
  private taken(most: number): Uint8Array {
    const length = Math.min(this.kept, most);
    if (this.large) return Buffer.from(this.large, 0, length);
    return this.pieces.length === 1 ? this.pieces[0]!.subarray(0, length) : Buffer.concat(this.pieces, length);
  }

  private finish(frames: Frame[]): void {
    this.emit(this.size > this.maxBytes ? 'oversized' : 'message', frames);
  }

  private emit(kind: Frame['kind'], frames: Frame[]): void {
    const bytes = this.taken(kind === 'message' ? this.kept : HEAD);
    frames.push({ kind, bytes, size: this.size });
    this.pieces = [];
    this.large = undefined;
    this.size = 0;
    this.kept = 0;
    this.inside = false;
  }
}

function skipBlanks(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === CR || bytes[at] === LF || bytes[at] === 0x20 || bytes[at] === 0)) at++;
  return at;
}

/** Offset of FS CR; -1 when it is not before `to`. */
function endMark(bytes: Buffer, from: number, to: number): number {
  for (let at = bytes.indexOf(FS, from); at >= 0 && at < to; at = bytes.indexOf(FS, at + 1)) {
    if (bytes[at + 1] === CR) return at;
  }
  return -1;
}
