// LZ4's legacy frame, which Linux uses for its kernel: a magic, then blocks with their compressed sizes before them
// (lz4_Frame_format.md "Legacy frame", lz4_Block_format.md).

const MAGIC = 0x184c2102;
const MINIMUM_MATCH = 4;

export function isLegacyLz4(bytes: Buffer): boolean {
  return bytes.length >= 8 && bytes.readUInt32LE(0) === MAGIC;
}

/** Unpacks a legacy frame whose content is `size` bytes; throws RangeError where it is malformed. */
export function decompressLegacyLz4(frame: Buffer, size: number): Buffer {
  const output = Buffer.alloc(size);
  let written = 0;
  let position = 4;
  while (position + 4 <= frame.length && written < size) {
    const blockSize = frame.readUInt32LE(position);
    position += 4;
    if (blockSize > frame.length - position) throw new RangeError("LZ4 block reaches beyond its frame");
    written = decompressBlock(frame.subarray(position, position + blockSize), output, written);
    position += blockSize;
  }
  if (written !== size) throw new RangeError(`LZ4 content is ${written} bytes long, not ${size}`);
  return output;
}

/** Unpacks one block to `output` from `start`; returns the end. A match never reaches below `start`. */
function decompressBlock(block: Buffer, output: Buffer, start: number): number {
  let input = 0;
  let out = start;

  const extendLength = (length: number): number => {
    if (length < 15) return length;
    for (;;) {
      const more = byteAt(block, input++);
      length += more;
      if (more !== 255) return length;
    }
  };

  while (input < block.length) {
    const token = byteAt(block, input++);
    const literals = extendLength(token >> 4);
    if (literals > block.length - input || literals > output.length - out) throw new RangeError("LZ4 literals reach beyond their block");
    block.copy(output, out, input, input + literals);
    input += literals;
    out += literals;
    if (input === block.length) return out;

    const distance = byteAt(block, input) | (byteAt(block, input + 1) << 8);
    input += 2;
    const length = extendLength(token & 15) + MINIMUM_MATCH;
    if (distance === 0 || distance > out - start || length > output.length - out) throw new RangeError("LZ4 match reaches outside the content");
    copyMatch(output, out, distance, length);
    out += length;
  }
  return out;
}

/** Source and target may overlap: a byte written is then read again. */
function copyMatch(output: Buffer, at: number, distance: number, length: number): void {
  if (distance >= length) {
    output.copyWithin(at, at - distance, at - distance + length);
    return;
  }
  for (let index = 0; index < length; index++) output[at + index] = output[at + index - distance]!;
}

function byteAt(bytes: Buffer, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) throw new RangeError("LZ4 block ends early");
  return byte;
}
