/** From so many bytes on a document is long. */
export const LONG_BYTES = 64 * 1024;

/** What is left over in a buffer that holds one document: decoders count three bytes for every four characters. */
const SLACK = 16;

/**
 * A base64Binary (https://hl7.org/fhir/R4/datatypes.html#base64Binary) that stays bytes until somebody writes it: as text a
 * document of 40 MB would be in memory twice, and be written, judged and read again for nothing when the server is embedded.
 * It stands in a resource where the text would, and `JSON.stringify` writes that.
 */
export class LongBase64 {
  readonly #bytes: Uint8Array;
  readonly #isShared: boolean;

  /** @param isShared somebody else goes on using the bytes */
  constructor(bytes: Uint8Array, isShared = false) {
    this.#bytes = bytes;
    this.#isShared = isShared;
  }

  /** Characters of the text. */
  get length(): number {
    return Math.ceil(this.#bytes.length / 3) * 4;
  }

  /** The bytes, to look at. */
  get bytes(): Uint8Array {
    this.#mustBeHere();
    return this.#bytes;
  }

  /**
   * The bytes in a buffer that may change hands, after which they are not here any more; a copy where others use them.
   */
  give(): Uint8Array<ArrayBuffer> {
    this.#mustBeHere();
    const bytes = this.#bytes;
    const isAlone = bytes.buffer.byteLength <= bytes.length + SLACK;
    if (!this.#isShared && isAlone && 'transfer' in bytes.buffer) return bytes as Uint8Array<ArrayBuffer>;
    return new Uint8Array(bytes);
  }

  toJSON(): string {
    return this.toString();
  }

  toString(): string {
    this.#mustBeHere();
    const { buffer, byteOffset, length } = this.#bytes;
    return Buffer.from(buffer, byteOffset, length).toString('base64');
  }

  /** Bytes that were given away must never be taken for an empty document. */
  #mustBeHere(): void {
    if (this.#bytes.length === 0) throw new Error('the content of a document is used after it was given away');
  }
}
