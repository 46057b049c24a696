// Tags of the multiboot2 boot information that do not depend on the machine (Multiboot2 3.6).

const TAG_COMMAND_LINE = 1;
const TAG_MODULE = 3;

export interface PlacedModule {
  start: number;
  end: number;
  name: string;
}

/** The boot information up to the tags that the option ROM appends; total_size is still 0. */
export function informationPrefix(commandLine: string, modules: readonly PlacedModule[]): Buffer {
  const moduleTags = modules.map(({ start, end, name }) => {
    const addresses = Buffer.alloc(8);
    addresses.writeUInt32LE(start, 0);
    addresses.writeUInt32LE(end, 4);
    return tag(TAG_MODULE, Buffer.concat([addresses, terminated(name)]));
  });
  return Buffer.concat([Buffer.alloc(8), tag(TAG_COMMAND_LINE, terminated(commandLine)), ...moduleTags]);
}

/** Type, size, content, and padding to 8 bytes that the size does not count. */
function tag(type: number, content: Buffer): Buffer {
  const size = 8 + content.length;
  const bytes = Buffer.alloc(Math.ceil(size / 8) * 8);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(size, 4);
  content.copy(bytes, 8);
  return bytes;
}

function terminated(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}
