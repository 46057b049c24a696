// The PCI functions that this core's partition owns: reset and handed over before it starts, taken back when it ends.

import { setBusMasterAt, setCommand } from "../../drivers/pci/command";
import { NO_PAGE } from "../../drivers/pci/config-page";
import { enableMsiAt, programMsiAt } from "../../drivers/pci/msi";
import { enableMsixAt, writeMsixEntry } from "../../drivers/pci/msix";
import { quiesceAt } from "../../drivers/pci/quiesce";
import { setDeviceTlbAt } from "../../drivers/pci/address-services";
import { Command } from "../../drivers/pci/registers";
import { ResetStatus, resetFunctionAt } from "../../drivers/pci/reset-function";
import { FunctionMailbox, MAXIMUM_FUNCTIONS, Mailbox } from "../../monitor/interface";
import { Text, printText } from "../boot/symbols";
import { print, printLine, sourceName } from "../console/print";
import { load32, store32, store64 } from "../memory/physical";
import { DeviceFlag } from "../policy/layout";
import { MESSAGE_DATA, messageAddress } from "../vtd/message";
import { REQUEST_WORDS, takePosted } from "../vtd/posted";
import { currentPartition, currentVcpu } from "./current";
import { deviceMessage, peek32, poke32, poke64 } from "./monitor";
import { enterMonitor } from "./monitor-lock";
import { settleMonitorCall } from "./monitor-call";
import { PlanPartition, field64 } from "./plan";
import { functionSlot } from "./status-page";
import { BARS, PlanFunction, barGuestAddress, barSizeAndFlags, function32, function64, functionCount } from "./plan-functions";

// Offsets in functionSlot(), which the partition's cores share: FunctionMailbox.Reset as seen last, FunctionMailbox.Command as applied last.
const RESET: u64 = 0;
const COMMAND: u64 = 4;

const records: usize = memory.data(32, 4); // MAXIMUM_FUNCTIONS u32: record in the plan of each function
const posted: usize = memory.data(32, 4); // REQUEST_WORDS u32
let count: u32 = 0;

/** Finds the functions of `partition`. */
export function attachFunctions(partition: u32): void {
  count = 0;
  for (let record: u32 = 0; record < functionCount() && count < MAXIMUM_FUNCTIONS; record++) {
    if (function32(record, PlanFunction.Partition) != partition) continue;
    store<u32>(records + (<usize>count << 2), record);
    count++;
  }
}

// @ts-ignore: decorator
@inline
export function hasFunctions(): bool { return count != 0; }

function recordOf(index: u32): u32 { return load<u32>(records + (<usize>index << 2)); }
function pageOf(index: u32): u64 { return function64(recordOf(index), PlanFunction.ConfigPage); }

/**
 * Ends all DMA of the functions and resets them, so that nothing of an earlier owner or run is left in them; false if one
 * does not come back.
 */
export function resetFunctions(): bool {
  let done = true;
  for (let index: u32 = 0; index < count; index++) {
    if (!resetOne(index)) done = false;
  }
  return done;
}

function resetOne(index: u32): bool {
  const record = recordOf(index);
  const page = pageOf(index);
  setBusMasterAt(page, false);
  const bridge = function64(record, PlanFunction.Bridge);
  const status = resetFunctionAt(page, bridge != 0 ? bridge : NO_PAGE);
  if (status == ResetStatus.Done) return true;
  if (status == ResetStatus.NoMethod && (function32(record, PlanFunction.Flags) & DeviceFlag.WithoutReset) != 0) return true;
  print("device %s: ", sourceName(function32(record, PlanFunction.Segment), function32(record, PlanFunction.SourceId)));
  printText(Text.ResetStatus, status);
  printLine();
  return false;
}

/** Tells the monitor what the partition owns, and lets the functions decode their memory and send their messages. */
export function handOverFunctions(): void {
  poke32(Mailbox.FunctionCount, count);
  for (let index: u32 = 0; index < count; index++) {
    describe(index);
    prepare(index);
    store64(functionSlot(currentPartition(), index), 0);
  }
}

function mailboxOf(index: u32): u32 { return <u32>Mailbox.Functions + index * <u32>FunctionMailbox.Size; }

function describe(index: u32): void {
  const mailbox = mailboxOf(index);
  const record = recordOf(index);
  poke32(mailbox + FunctionMailbox.Identity, function32(record, PlanFunction.Identity));
  poke32(mailbox + FunctionMailbox.ClassRevision, function32(record, PlanFunction.ClassRevision));
  poke32(mailbox + FunctionMailbox.Subsystem, function32(record, PlanFunction.Subsystem));
  for (let bar: u32 = 0; bar < BARS; bar++) {
    poke64(mailbox + FunctionMailbox.Bars + bar * 16, barGuestAddress(record, bar));
    poke64(mailbox + FunctionMailbox.Bars + bar * 16 + 8, barSizeAndFlags(record, bar));
  }
  const hasMsix = function32(record, PlanFunction.HasMsix) != 0;
  poke32(mailbox + FunctionMailbox.MsixControl, hasMsix ? function32(record, PlanFunction.Messages) : 0);
  poke32(mailbox + FunctionMailbox.MsixTable, function32(record, PlanFunction.MsixTable));
  poke32(mailbox + FunctionMailbox.MsixPending, function32(record, PlanFunction.MsixPending));
  poke32(mailbox + FunctionMailbox.Msi, hasMsix ? 0 : 1);
  poke32(mailbox + FunctionMailbox.CanReset, (function32(record, PlanFunction.Flags) & DeviceFlag.WithoutReset) == 0 ? 1 : 0);
}

/** The kernel writes the messages: what the guest writes names its own vectors, and stays in the monitor. */
function prepare(index: u32): void {
  const record = recordOf(index);
  const page = pageOf(index);
  quiesceAt(page);
  setCommand(page, Command.MemorySpace | Command.IoSpace | Command.InterruptDisable, true);
  const first = function32(record, PlanFunction.FirstEntry);
  if (function32(record, PlanFunction.HasMsix) != 0) {
    const table = function64(record, PlanFunction.MsixAddress);
    const messages = function32(record, PlanFunction.Messages);
    for (let message: u32 = 0; message < messages; message++) writeMsixEntry(table, message, messageAddress(first + message), MESSAGE_DATA);
    enableMsixAt(page, true);
  } else {
    programMsiAt(page, messageAddress(first), MESSAGE_DATA);
    enableMsiAt(page, true);
  }
  if ((function32(record, PlanFunction.Flags) & DeviceFlag.DeviceTlb) != 0) setDeviceTlbAt(page, true);
}

/** Takes the functions back: no DMA, no messages, and nothing of the partition is left in them. */
export function takeBackFunctions(): void {
  for (let index: u32 = 0; index < count; index++) {
    const page = pageOf(index);
    setBusMasterAt(page, false);
    if (function32(recordOf(index), PlanFunction.HasMsix) != 0) enableMsixAt(page, false);
    else enableMsiAt(page, false);
    quiesceAt(page);
    resetOne(index);
  }
}

/** After a vCPU, any of the partition's, wrote to configuration space and still holds the monitor: bus mastering and resets are what reaches the real functions. */
export function applyFunctionRequests(): void {
  for (let index: u32 = 0; index < count; index++) {
    const mailbox = mailboxOf(index);
    const applied = functionSlot(currentPartition(), index);
    const wantedReset = peek32(mailbox + FunctionMailbox.Reset);
    if (wantedReset != load32(applied + RESET)) {
      store32(applied + RESET, wantedReset);
      resetOne(index);
      prepare(index);
    }
    const wanted = peek32(mailbox + FunctionMailbox.Command) & Command.BusMaster;
    if (wanted == load32(applied + COMMAND)) continue;
    store32(applied + COMMAND, wanted);
    setBusMasterAt(pageOf(index), wanted != 0);
  }
}

/** A function of this core's partition sent the message that its vector stands for. */
export function onDeviceMessage(vector: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    const record = recordOf(index);
    const message = vector - function32(record, PlanFunction.FirstVector);
    if (message >= function32(record, PlanFunction.Messages)) continue;
    if (!enterMonitor()) return;
    deviceMessage(currentVcpu(), index, message);
    return settleMonitorCall();
  }
}

/** Functions of this core's partition sent messages that hardware has posted: takes all that there are. */
export function onPostedMessages(partition: u32): void {
  const descriptor = field64(partition, PlanPartition.PostedDescriptor);
  if (descriptor == 0 || !takePosted(descriptor, posted)) return;
  for (let word: u32 = 0; word < REQUEST_WORDS; word++) {
    for (let bits = load<u32>(posted + (<usize>word << 2)); bits != 0; bits &= bits - 1) onDeviceMessage((word << 5) + ctz(bits));
  }
}
