/** One sender's connection: frames in, acknowledgements out in the same order. */
import type { Socket } from 'node:net';
import type { DoorContext } from '../../adapter.ts';
import { type Fault, fault } from '../../errors.ts';
import { type Frame, type FrameDecoder, frame, frameDecoder } from '../../formats/hl7v2/mllp.ts';
import { answers, faultsOf } from './answer.ts';
import type { MllpConfig } from './config.ts';
import { fingerprintOf, unproven } from './sender.ts';

/** A sender that pipelines is read no further while so much of its own waits for the journal. */
const MOST_WAITING = 256;

/** Its place in the order of acknowledgements; filled when the verdict is there. */
interface Slot {
  answers?: Uint8Array[];
}

/** One sender's connection: frames in, verdicts out in the same order. */
export class MllpConnection {
  private readonly socket: Socket;
  private readonly context: DoorContext<MllpConfig>;
  private readonly sender: string | undefined;
  private readonly fingerprint: string | undefined;
  private readonly decoder: FrameDecoder;
  private readonly waiting: Slot[] = [];
  private waitingBytes = 0;
  private flushing = false;
  private draining = false;
  private paused = false;
  /** When the last message ended, and when the one now arriving began (0 for none), in milliseconds. */
  private lastMessage = Date.now();
  private begun = 0;

  /** @param sender name on the certificate the peer showed, if it showed one */
  constructor(socket: Socket, context: DoorContext<MllpConfig>, sender?: string) {
    this.socket = socket;
    this.sender = sender;
    this.fingerprint = fingerprintOf(socket);
    this.context = context;
    this.decoder = frameDecoder({ maxBytes: context.config.maxBytes });
    socket.on('data', (chunk) => this.take(this.decoder.push(chunk)));
    socket.on('drain', () => this.resume());
    socket.on('end', () => this.ended());
    socket.on('error', (error) => context.log.debug({ err: error }, 'connection lost'));
  }

  /** Answers what has arrived, then closes; nothing more is read. */
  drain(): void {
    this.draining = true;
    this.socket.pause();
    this.closeWhenDone();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Closes the connection when it is silent for too long, or too slow with one message. Called every second. */
  tick(now: number): void {
    const { idleSeconds, messageSeconds } = this.context.config;
    if (this.paused || this.draining) return;
    if (this.begun > 0 && now - this.begun > messageSeconds * 1000) {
      const complete = this.decoder.flush();
      if (complete.length > 0) this.take(complete);
      else {
        this.context.log.warn({ errorCode: 'mllp-slow', address: this.peer() }, 'message too slow, connection closed');
        this.socket.destroy();
      }
    } else if (this.begun === 0 && this.waiting.length === 0 && now - this.lastMessage > idleSeconds * 1000) {
      this.socket.end();
    }
  }

  private peer(): string {
    return `${this.socket.remoteAddress ?? ''}`;
  }

  private take(frames: Frame[]): void {
    for (const one of frames) this.receive(one);
    if (frames.length > 0) this.lastMessage = Date.now();
    if (this.decoder.pending() === 0) this.begun = 0;
    else if (this.begun === 0 || frames.length > 0) this.begun = Date.now();
    const { maxBytes } = this.context.config;
    if (this.waiting.length >= MOST_WAITING || this.waitingBytes > maxBytes) this.pause();
  }

  private receive({ kind, bytes, size }: Frame): void {
    const slot: Slot = {};
    if (kind === 'message') {
      this.waiting.push(slot);
      const refused = unproven(bytes, this.fingerprint, this.context.config.senders);
      if (refused) {
        this.context.log.warn({ errorCode: refused.code, address: this.peer() }, 'sender not proven');
        this.settle(slot, answers(bytes, [refused], this.context.config.acknowledge));
      } else this.accept(bytes, slot);
      return;
    }
    const code = kind === 'oversized' ? 'too-large' : kind === 'truncated' ? 'mllp-truncated' : 'mllp-unframed';
    this.context.log.warn({ errorCode: code, size, address: this.peer() }, 'frame refused');
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 80)).includes('MSH')) return;
    this.waiting.push(slot);
    const found: Fault = fault(code, code === 'too-large' ? { params: { limit: this.context.config.maxBytes } } : {});
    this.settle(slot, answers(bytes, [found], this.context.config.acknowledge));
  }

  private accept(bytes: Uint8Array, slot: Slot): void {
    const mode = this.context.config.acknowledge;
    this.waitingBytes += bytes.length;
    const done = (given: Uint8Array[]): void => {
      this.waitingBytes -= bytes.length;
      this.settle(slot, given);
    };
    const { name, accept } = this.context;
    accept({ door: name, format: 'hl7v2', bytes, ...(this.sender ? { sender: this.sender } : {}) }).then(
      (verdict) => done(answers(bytes, verdict, mode)),
      (error: unknown) => {
        const faults = faultsOf(error);
        // That too much waits is said once by who counts it, not with every message of every sender.
        if (faults[0]?.code !== 'too-much-waiting') {
          this.context.log.error({ err: error, errorCode: faults[0]?.code }, 'message not accepted');
        }
        done(answers(bytes, faults, mode));
      },
    );
  }

  private settle(slot: Slot, given: Uint8Array[]): void {
    slot.answers = given;
    if (this.flushing) return;
    this.flushing = true;
    // One turn's verdicts come together (group commit), and leave in one write.
    queueMicrotask(() => this.flush());
  }

  private flush(): void {
    this.flushing = false;
    const ready: Uint8Array[] = [];
    let count = 0;
    while (this.waiting[count]?.answers) {
      for (const one of this.waiting[count]!.answers!) ready.push(frame(one));
      count++;
    }
    this.waiting.splice(0, count);
    if (ready.length > 0 && this.socket.writable) {
      const written = this.socket.write(ready.length === 1 ? ready[0]! : Buffer.concat(ready));
      if (!written) this.pause();
    }
    if (!this.socket.writableNeedDrain) this.resume();
    this.closeWhenDone();
  }

  private pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused || this.draining || this.waiting.length >= MOST_WAITING / 2) return;
    if (this.waitingBytes > this.context.config.maxBytes / 2) return;
    this.paused = false;
    if (this.begun > 0) this.begun = Date.now();
    this.socket.resume();
  }

  /** The sender will send no more; what it sent is still answered. */
  private ended(): void {
    this.take(this.decoder.flush());
    this.draining = true;
    this.closeWhenDone();
  }

  private closeWhenDone(): void {
    if (this.draining && this.waiting.length === 0 && !this.flushing) this.socket.end();
  }
}
