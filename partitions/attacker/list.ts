// The attacks that "all" stands for.

const text: usize = memory.data(1024, 8);
let length: usize = 0;

/** The attacks as zero-terminated words in linear memory. */
export function attackList(): usize {
  length = 0;
  appendMemory();
  appendRegisters();
  appendPorts();
  append("vmxon");
  store<u8>(text + length, 0);
  return text;
}

/** Behind the partition's own 16 MiB, where the machine has the kernel and the neighbours; device holes; above 4 GiB. */
function appendMemory(): void {
  append("read:0x1000000 write:0x1000000 ");
  append("read:0x8000000 write:0x8000000 ");
  append("read:0xf000000 write:0xf000000 ");
  append("read:0xfec00000 write:0xfec00000 ");
  append("read:0xfed00000 write:0xfed00000 ");
  append("read:0xfffffff0 write:0xfffffff0 ");
  append("read:0x100000000 write:0x100000000 ");
}

function appendRegisters(): void {
  append("rdmsr:0x3a wrmsr:0x3a:0x5 "); // IA32_FEATURE_CONTROL
  append("rdmsr:0x480 "); // IA32_VMX_BASIC
  append("rdmsr:0x1d9 wrmsr:0x1d9:0x1 "); // IA32_DEBUGCTL
  append("rdmsr:0x9b "); // IA32_SMM_MONITOR_CTL
  append("wrmsr:0x79:0x0 "); // IA32_BIOS_UPDT_TRIG
}

function appendPorts(): void {
  append("shutdown "); // Bochs' port 0x8900
  append("out:0xcf9:0x6 "); // reset control
  append("out:0x92:0x1 "); // fast reset
  append("out:0x64:0xfe in:0x64 "); // keyboard controller: pulse the reset line
  append("out:0x3f8:0x58 in:0x3fd "); // the host's UART
  append("out:0xf4:0x10 "); // QEMU's debug exit
  append("out:0xcf8:0x0 "); // PCI configuration address
  append("out:0x70:0x8f "); // CMOS: NMI off
  append("out:0x21:0xff out:0xa1:0xff "); // PICs
  append("out:0x43:0x30 "); // PIT
}

function append(words: string): void {
  for (let index = 0; index < words.length; index++) store<u8>(text + length + <usize>index, <u8>words.charCodeAt(index));
  length += <usize>words.length;
}
