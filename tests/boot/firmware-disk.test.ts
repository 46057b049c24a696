// Debian's firmware for PCs boots a disk image to GRUB, whose menu is on the serial console, and then Linux.

import { expect, test } from "vitest";
import { ensureBootDisk } from "../../scripts/guests/boot-disk.ts";
import { bios, type SystemDescription } from "../../scripts/policy/language.ts";
import { bootSystem, type SystemOutput } from "./helpers/system.ts";

const CONTROL_N = "\x0e"; // GRUB: the next entry
/** GRUB's last words before it waits for a key: it has drawn the last line of the menu's frame. */
const MENU_DRAWN = /Reboot/;

/** Starts the disk's image in a partition, chooses the second entry of the menu, looks around in the shell, and powers off. */
async function bootDisk(name: string, image: SystemDescription["partitions"][number]["image"], timeoutSeconds: number): Promise<SystemOutput> {
  /** What is typed once a line was printed, in this order. */
  const script: [RegExp, string][] = [
    [MENU_DRAWN, `${CONTROL_N}\r`],
    [/shell ready/, "cat /sys/bus/pci/devices/0000:00:02.0/class; poweroff -f\r"],
  ];
  return bootSystem(
    { name, partitions: [{ name: "guest", core: 0, memory: "128 MiB", image, disk: { file: await ensureBootDisk(), readOnly: true }, keyboard: true }] },
    {
      timeoutSeconds,
      interactive: true,
      onLine: (line, machine) => {
        const [awaited, text] = script[0] ?? [];
        if (awaited?.test(line) !== true || text === undefined) return;
        script.shift();
        machine.write(text);
      },
    },
  );
}

function expectLinux(output: SystemOutput): void {
  const said = output.of("guest").join("\n");
  expect(said).toContain("GNU GRUB");
  expect(said).toContain("grub: Linux with a shell");
  expect(said).toContain("demo: Linux 6.");
  expect(said).toMatch(/^0x010000/m); // the disk: mass storage, as Linux read it
  expect(output.result.reason).toBe("ended");
  expect(output.summary("guest")).toContain("128 MiB, powered off, restarts 0");
}

test("SeaBIOS boots a disk to GRUB, an entry is chosen on the serial console, and Linux comes up to a shell", async () => {
  const output = await bootDisk("test-bios-disk", bios(), 150);
  expect(output.of("guest").join("\n")).toContain("Booting from Hard Disk...");
  expectLinux(output);
});
