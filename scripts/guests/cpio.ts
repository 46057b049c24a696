// cpio archives in the "newc" format that Linux unpacks as its initramfs (Documentation/driver-api/early-userspace/
// buffer-format.rst). The bytes depend on the entries alone: no times, no inode numbers of this machine.

export type CpioEntry =
  | { kind: "directory"; path: string }
  | { kind: "file"; path: string; mode: number; bytes: Buffer }
  | { kind: "link"; path: string; target: string }
  | { kind: "character device"; path: string; mode: number; major: number; minor: number };

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;

export function writeCpio(entries: CpioEntry[]): Buffer {
  const parts = entries.map((entry, index) => encodeEntry(entry, index + 1));
  parts.push(encodeMember("TRAILER!!!", 0, 0, 0, 0, Buffer.alloc(0)));
  return Buffer.concat(parts);
}

function encodeEntry(entry: CpioEntry, inode: number): Buffer {
  const none = Buffer.alloc(0);
  switch (entry.kind) {
    case "directory":
      return encodeMember(entry.path, inode, S_IFDIR | 0o755, 0, 0, none);
    case "file":
      return encodeMember(entry.path, inode, S_IFREG | entry.mode, 0, 0, entry.bytes);
    case "link":
      return encodeMember(entry.path, inode, S_IFLNK | 0o777, 0, 0, Buffer.from(entry.target));
    case "character device":
      return encodeMember(entry.path, inode, S_IFCHR | entry.mode, entry.major, entry.minor, none);
  }
}

function encodeMember(name: string, inode: number, mode: number, major: number, minor: number, bytes: Buffer): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, major, minor, nameBytes.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padToFour(Buffer.concat([Buffer.from(header, "ascii"), nameBytes])), padToFour(bytes)]);
}

function padToFour(bytes: Buffer): Buffer {
  const padding = (4 - (bytes.length % 4)) % 4;
  return padding === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(padding)]);
}
