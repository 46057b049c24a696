// Files made for the monitor's loader, laid out as monitor/loader/containers.ts says.

import { BUNDLE_MAGIC, Bundle, BundleRecord, FLAT_MAGIC, Flat, type FlatMode } from "../../monitor/loader/containers.ts";

const ALIGNMENT = 8;

export interface BundledModule {
  bytes: Buffer;
  commandLine: string;
}

/** Header, records, command lines, contents. */
export function makeBundle(modules: BundledModule[]): Buffer {
  const head = Buffer.alloc(Bundle.Records + modules.length * BundleRecord.Size);
  head.writeUInt32LE(BUNDLE_MAGIC, Bundle.Magic);
  head.writeUInt32LE(modules.length, Bundle.Count);
  const pieces: Buffer[] = [head];
  let end = head.length;
  const append = (bytes: Buffer): number => {
    const offset = end;
    const padding = Buffer.alloc(-bytes.length & (ALIGNMENT - 1));
    pieces.push(bytes, padding);
    end += bytes.length + padding.length;
    return offset;
  };
  const put = (index: number, field: number, value: number): void => {
    head.writeBigUInt64LE(BigInt(value), Bundle.Records + index * BundleRecord.Size + field);
  };
  for (const [index, { bytes, commandLine }] of modules.entries()) {
    put(index, BundleRecord.TextOffset, append(Buffer.from(commandLine, "ascii")));
    put(index, BundleRecord.TextLength, commandLine.length);
    put(index, BundleRecord.Offset, append(bytes));
    put(index, BundleRecord.Length, bytes.length);
  }
  return Buffer.concat(pieces);
}

/** A flat binary behind its header. */
export function makeFlat(bytes: Buffer, address: number, entry: number, mode: FlatMode): Buffer {
  const header = Buffer.alloc(Flat.Content);
  header.writeUInt32LE(FLAT_MAGIC, Flat.Magic);
  header.writeUInt32LE(mode, Flat.Mode);
  header.writeBigUInt64LE(BigInt(address), Flat.Address);
  header.writeBigUInt64LE(BigInt(entry), Flat.Entry);
  return Buffer.concat([header, bytes]);
}
