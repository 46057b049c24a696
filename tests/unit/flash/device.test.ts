// What lsblk prints, as facts about a device; and the command on devices of this machine.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseDevice, readDevice } from "../../../scripts/flash/device.ts";
import { verifyImage, writeImage } from "../../../scripts/flash/write.ts";
import { projectDirectory } from "../../../scripts/policy/project.ts";

const PARTITION = { path: "/dev/sdb1", type: "part", size: 1000, rm: true, hotplug: true, ro: false, mountpoints: ["/media/stick", null], model: null, tran: null, pkname: "sdb" };
const STICK = { path: "/dev/sdb", type: "disk", size: 16_000_000_000, rm: true, hotplug: true, ro: false, mountpoints: [null], model: "Ultra  ", tran: "usb", pkname: null };

const parse = (...blockdevices: object[]): ReturnType<typeof parseDevice> => parseDevice(JSON.stringify({ blockdevices }));

describe("lsblk's output", () => {
  test("of a stick with a mounted file system behind encryption", () => {
    const inner = { ...PARTITION, path: "/dev/mapper/secret", type: "crypt", mountpoints: ["/home/me/secret"] };
    expect(parse({ ...STICK, children: [{ ...PARTITION, children: [inner] }] })).toEqual({
      path: "/dev/sdb",
      type: "disk",
      size: 16_000_000_000,
      removable: true,
      readOnly: false,
      description: "Ultra, 14.9 GiB, usb",
      parent: null,
      mountPoints: ["/media/stick", "/home/me/secret"],
    });
  });

  test("of a partition names its disk", () => {
    expect(parse(PARTITION)).toMatchObject({ type: "part", parent: "/dev/sdb", description: "0.0 GiB" });
  });

  test.each([
    [{ rm: true, hotplug: true, tran: "usb" }, true],
    [{ rm: true, hotplug: false, tran: "sata" }, true],
    [{ rm: false, hotplug: true, tran: "usb" }, true],
    [{ rm: false, hotplug: true, tran: null }, false], // built-in flash memory
    [{ rm: false, hotplug: false, tran: "nvme" }, false],
  ])("%j is removable: %s", (fields, removable) => {
    expect(parse({ ...STICK, ...fields }).removable).toBe(removable);
  });

  test.each([{ blockdevices: [] }, { blockdevices: [STICK, STICK] }, { blockdevices: [{ ...STICK, rm: "1" }] }])("of another form is not guessed at: %j", (output) => {
    expect(() => parseDevice(JSON.stringify(output))).toThrow();
  });
});

describe("on this machine", () => {
  test("what is no block device is refused", () => {
    expect(() => readDevice("/dev/nosuch")).toThrow(/\/dev\/nosuch is not a block device/);
    expect(() => readDevice("/dev/null")).toThrow(/\/dev\/null is not a block device/);
  });

  test("a device that cannot be opened is named, with what to do", () => {
    expect(() => writeImage("/dev/null", "/dev/nosuch")).toThrow(/\/dev\/nosuch could not be opened: ENOENT/);
    expect(() => verifyImage("/dev/null", "/dev/nosuch")).toThrow(/\/dev\/nosuch could not be opened: ENOENT/);
  });

  test("the command ends with status 1 and a remedy for a wrong image", () => {
    const { status, stderr } = spawnSync(process.execPath, [path.join(projectDirectory, "scripts/bootstrap.mjs"), "flash", "/dev/nosuch", "nosuch.iso", "--yes"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    expect(stderr).toMatch(/error: no file nosuch\.iso\n {2}remedy: Make one with `npx bulkhead image SYSTEM`/);
    expect(status).toBe(1);
  });
});
