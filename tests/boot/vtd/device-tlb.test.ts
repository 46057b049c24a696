// A device with a TLB of its own (ATS). QEMU's trace of the invalidation queue tells the order in which it is asked to forget.

import { beforeAll, expect, test } from "vitest";
import { COMPLETE, EDU_DEVICES, runVtdKernel, type VtdOutput } from "../../../scripts/test-kernels/vtd-kernel.ts";

/** Source id of 05:00.0, behind the root port that SeaBIOS numbers last, in bits 47:32 of the descriptor. */
const DEVICE_TLB = "vtd_inv_desc invalidate desc type device high 0x7ffffffffffff001 low 0x50000010003";
const PAGE = "vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x1 addr 0x40008000 mask 0x0";

let output: VtdOutput;
beforeAll(async () => {
  output = await runVtdKernel("vtd=device-tlb", {
    remapping: { addressBits: 48, deviceTlb: true },
    devices: [...EDU_DEVICES, "pcie-root-port,id=port4,addr=0x18,chassis=4", "virtio-rng-pci,bus=port4,disable-legacy=on,iommu_platform=on,ats=on"],
    extraArguments: ["-trace", "vtd_inv_desc*"],
  });
});

test("is switched off whatever firmware left", () => {
  expect(output.section("device TLB: left on by firmware")[0]).toBe("on: yes");
  expect(output.section("device TLB: after the survey")).toEqual(["off: yes"]);
});

test("is told to forget an unmapped page after the IOTLB has forgotten it", () => {
  expect(output.section("device TLB: unmap")).toEqual(["may have one: yes", "taken out: yes", "invalidated: yes"]);
  const trace = output.result.log.split("\n");
  const page = trace.indexOf(PAGE);
  expect(page).toBeGreaterThan(0);
  expect(trace.indexOf(DEVICE_TLB, page)).toBeGreaterThan(page);
  expect(output.result.status).toBe(COMPLETE);
});
