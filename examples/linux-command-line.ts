// Options that let Debian's cloud kernel start soonest on Bulkhead's virtual platform. None of them is needed: they
// leave out self tests and delays, and protections inside the guest, which separation does not rest on.

const options = [
  "console=ttyS0",
  "quiet",
  "nokaslr",
  "mitigations=off",
  "tsc=reliable",
  "noxsave",
  "cryptomgr.notests",
  "init_on_alloc=0",
  "initcall_blacklist=load_system_certificate_list",
  "8250.nr_uarts=1",
];

/** Linux's command line, with further options at its end. */
export function linuxCommandLine(...further: string[]): string {
  return [...options, ...further].join(" ");
}
