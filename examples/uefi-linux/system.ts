// A PC with UEFI: Debian's OVMF boots the EFI system partition of a disk image to GRUB and then Debian Linux. In Bochs this takes minutes.
//
// "boot" is an image that this project makes; disk: "FILE" names an image of your own.

import { system, uefi } from "../../scripts/policy/language.ts";

export default system({
  name: "uefi-linux",
  partitions: [{ name: "linux", cores: [0, 1], memory: "256 MiB", image: uefi(), disk: "boot", keyboard: true }],
});
