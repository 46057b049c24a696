// The ELF note by which a kernel says that it starts by PVH (Xen's include/public/elfnote.h).

/** XEN_ELFNOTE_PHYS32_ENTRY. */
const PHYS32_ENTRY = 18;
const OWNER = "Xen\0";
const HEADER_SIZE = 12;

/** Physical address of the entry point that the notes name, or null. */
export function pvhEntry(notes: readonly Buffer[]): number | null {
  for (const note of notes) {
    const entry = findEntry(note);
    if (entry !== null) return entry;
  }
  return null;
}

function findEntry(notes: Buffer): number | null {
  for (let at = 0; at + HEADER_SIZE <= notes.length; ) {
    const [nameSize, valueSize, type] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4), notes.readUInt32LE(at + 8)];
    const name = at + HEADER_SIZE;
    const value = name + align(nameSize);
    if (type === PHYS32_ENTRY && notes.toString("latin1", name, name + nameSize) === OWNER && value + valueSize <= notes.length) {
      if (valueSize === 4) return notes.readUInt32LE(value);
      if (valueSize === 8) return Number(notes.readBigUInt64LE(value));
    }
    at = value + align(valueSize);
  }
  return null;
}

/** Name and value are padded to four bytes. */
function align(size: number): number {
  return Math.ceil(size / 4) * 4;
}
