// How a system file names a PCI function: by address, "00:04.0" or "0000:00:04.0", or by identity, "8086:10d3".

/** A PCI function by where it sits, or by what it is. */
export type PciName =
  | {
      kind: "address";
      /** PCI segment, 16 bits. */
      segment: number;
      /** bus << 8 | device << 3 | function. */
      sourceId: number;
    }
  | {
      kind: "identity";
      /** 16 bits each, as at offsets 0 and 2 of configuration space. */
      vendor: number;
      device: number;
    };

/** What parsePciName() gives: the name, or what would be right instead. */
export type PciNameResult = { name: PciName } | { mistake: string };

const ADDRESS = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-9a-f])$/i;
const IDENTITY = /^([0-9a-f]{4}):([0-9a-f]{4})$/i;
const MAXIMUM_DEVICE = 0x1f;
const MAXIMUM_FUNCTION = 7;

/** Reads an address or an identity, written as lspci writes them; segment 0 if none is given. */
export function parsePciName(text: string): PciNameResult {
  const address = ADDRESS.exec(text);
  if (address !== null) return parseAddress(address[1] ?? "0", address[2]!, address[3]!, address[4]!);
  const identity = IDENTITY.exec(text);
  if (identity !== null) return parseIdentity(identity[1]!, identity[2]!);
  return { mistake: 'write an address such as "00:04.0" or "0000:00:04.0", or an identity such as "8086:10d3", as lspci -Dnn shows them' };
}

function parseAddress(segmentText: string, busText: string, deviceText: string, functionText: string): PciNameResult {
  const device = Number.parseInt(deviceText, 16);
  const pciFunction = Number.parseInt(functionText, 16);
  if (device > MAXIMUM_DEVICE) return { mistake: "the devices of a bus are 00 to 1f" };
  if (pciFunction > MAXIMUM_FUNCTION) return { mistake: "the functions of a device are 0 to 7" };
  const sourceId = (Number.parseInt(busText, 16) << 8) | (device << 3) | pciFunction;
  return { name: { kind: "address", segment: Number.parseInt(segmentText, 16), sourceId } };
}

function parseIdentity(vendorText: string, deviceText: string): PciNameResult {
  const vendor = Number.parseInt(vendorText, 16);
  if (vendor === 0 || vendor === 0xffff) return { mistake: "no vendor has the number 0000 or ffff" };
  return { name: { kind: "identity", vendor, device: Number.parseInt(deviceText, 16) } };
}

/** The one text of a name: equal names give equal texts. */
export function formatPciName(name: PciName): string {
  if (name.kind === "identity") return `${hexadecimal(name.vendor, 4)}:${hexadecimal(name.device, 4)}`;
  const { segment, sourceId } = name;
  return `${hexadecimal(segment, 4)}:${hexadecimal(sourceId >> 8, 2)}:${hexadecimal((sourceId >> 3) & MAXIMUM_DEVICE, 2)}.${sourceId & MAXIMUM_FUNCTION}`;
}

function hexadecimal(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
