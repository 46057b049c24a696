// A PC with a BIOS: Debian's SeaBIOS boots a disk image to GRUB, whose menu is on the console, and then Debian Linux.
//
// "boot" is an image that this project makes: GRUB, Debian's cloud kernel and an initramfs. disk: "FILE" names an image of your own; its GRUB
// needs `serial` and `terminal_input serial; terminal_output serial`, since there is no screen.

import { bios, system } from "../../scripts/policy/language.ts";

export default system({
  name: "bios-linux",
  partitions: [{ name: "linux", cores: [0, 1], memory: "128 MiB", image: bios(), disk: "boot", keyboard: true }],
});
