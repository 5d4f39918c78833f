/** Numbers that follow from a seed (mulberry32), so that a run can be had again. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const edges = [0, 1, 9, 10, 11, 13, 28, 32, 34, 38, 60, 62, 92, 94, 124, 126, 127, 128, 192, 224, 239, 254, 255];
const longest = 65_536;

/** Some bytes made of others: flipped, cut, doubled, spliced, or with a word that means something to the reader. */
export function mutate(
  bytes: Uint8Array,
  other: Uint8Array,
  words: string[],
  below: (n: number) => number,
): Uint8Array {
  let result = Buffer.from(bytes);
  for (let times = 1 + below(4); times > 0; times--) result = Buffer.from(changed(result, other, words, below));
  return result.length > longest ? result.subarray(0, longest) : result;
}

function changed(bytes: Buffer, other: Uint8Array, words: string[], below: (n: number) => number): Uint8Array {
  const at = below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + below(1 << below(10)));
  const put = (piece: Uint8Array, until = at) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(until)]);
  switch (below(9)) {
    case 0:
      return put(Buffer.from([edges[below(edges.length)]!]), Math.min(bytes.length, at + 1));
    case 1:
      return put(Buffer.from([(bytes[at] ?? 0) ^ (1 << below(8))]), Math.min(bytes.length, at + 1));
    case 2:
      return put(Buffer.alloc(0), end);
    case 3:
      return put(Buffer.concat(Array<Uint8Array>(1 + below(8)).fill(bytes.subarray(at, end))));
    case 4: {
      const from = below(other.length + 1);
      return put(other.subarray(from, from + 1 + below(1 << below(11))), below(2) ? at : end);
    }
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return put(Buffer.from(String(edges[below(edges.length)]! * 10 ** below(12))), end);
    case 7:
      return put(Buffer.from(words[below(words.length)]!.repeat(1 << Math.max(0, below(14) - 4))));
    default:
      return put(Buffer.from(words[below(words.length)]!), below(2) ? at : end);
  }
}
