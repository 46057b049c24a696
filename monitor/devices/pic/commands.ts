// Command words that software writes to an 8259A (Intel 8259A data sheet, "Programming the 8259A").

import { Chip, effectiveService, NONE, priorityOf } from "./chip";

/** Initialization command words 1 and 4. */
const enum Initialization {
  Icw4Needed = 1 << 0,
  Single = 1 << 1,
  Icw1 = 1 << 4,
  AutoEoi = 1 << 1, // ICW4
  SpecialFullyNested = 1 << 4, // ICW4
}

/** Operation command word 3. */
const enum Operation {
  ReadSelect = 1 << 1,
  ReadInService = 1 << 0,
  Poll = 1 << 2,
  Ocw3 = 1 << 3,
  SpecialMaskValue = 1 << 5,
  SpecialMaskEnable = 1 << 6,
}

/** Operation command word 2, bits 7:5. */
const enum EndOfInterrupt {
  RotateAutoClear = 0,
  NonSpecific = 1,
  Specific = 3,
  RotateAutoSet = 4,
  RotateNonSpecific = 5,
  SetPriority = 6,
  RotateSpecific = 7,
}

/** The word that the data port takes next. */
const enum Expect { Mask = 0, Icw2 = 1, Icw3 = 2, Icw4 = 3 }

/**
 * ICW1 resets all but the mask's meaning and the ELCR; a line that stays high needs a new edge. LTIM, its bit 3, does nothing: the
 * ELCR is in its place (82371SB data sheet, ICW1).
 */
function initialise(chip: Chip, value: u32): void {
  const lines = chip.lines;
  const levels = chip.levels;
  memory.fill(changetype<usize>(chip), 0, offsetof<Chip>());
  chip.lines = lines;
  chip.levels = levels;
  chip.requests = lines & levels;
  chip.expect = Expect.Icw2;
  chip.needsIcw4 = value & Initialization.Icw4Needed;
  chip.isSingle = value & Initialization.Single;
}

function writeOcw3(chip: Chip, value: u32): void {
  if ((value & Operation.Poll) != 0) chip.isPolled = 1;
  if ((value & Operation.ReadSelect) != 0) chip.readsInService = value & Operation.ReadInService;
  if ((value & Operation.SpecialMaskEnable) != 0) chip.isSpecialMask = value & Operation.SpecialMaskValue;
}

function endInterrupt(chip: Chip, request: u32, rotates: bool): void {
  chip.inService &= ~((<u32>1) << request);
  if (rotates) chip.first = (request + 1) & 7;
}

function writeOcw2(chip: Chip, value: u32): void {
  const command = value >> 5;
  const request = value & 7;
  switch (command) {
    case EndOfInterrupt.RotateAutoClear:
    case EndOfInterrupt.RotateAutoSet:
      chip.rotatesOnAutoEoi = command >> 2;
      return;
    case EndOfInterrupt.NonSpecific:
    case EndOfInterrupt.RotateNonSpecific: {
      const priority = priorityOf(effectiveService(chip), chip.first);
      if (priority != NONE) endInterrupt(chip, (priority + chip.first) & 7, command == EndOfInterrupt.RotateNonSpecific);
      return;
    }
    case EndOfInterrupt.Specific:
    case EndOfInterrupt.RotateSpecific:
      endInterrupt(chip, request, command == EndOfInterrupt.RotateSpecific);
      return;
    case EndOfInterrupt.SetPriority:
      chip.first = (request + 1) & 7;
      return;
  }
}

export function writeCommand(chip: Chip, value: u32): void {
  if ((value & Initialization.Icw1) != 0) initialise(chip, value);
  else if ((value & Operation.Ocw3) != 0) writeOcw3(chip, value);
  else writeOcw2(chip, value);
}

export function writeData(chip: Chip, value: u32): void {
  const afterIcw3 = chip.needsIcw4 != 0 ? Expect.Icw4 : Expect.Mask;
  switch (chip.expect) {
    case Expect.Mask:
      chip.mask = value;
      return;
    case Expect.Icw2:
      chip.vectorBase = value & 0xf8;
      chip.expect = chip.isSingle != 0 ? afterIcw3 : Expect.Icw3;
      return;
    case Expect.Icw3:
      chip.expect = afterIcw3;
      return;
    case Expect.Icw4:
      chip.isSpecialFullyNested = value & Initialization.SpecialFullyNested;
      chip.isAutoEoi = value & Initialization.AutoEoi;
      chip.expect = Expect.Mask;
      return;
  }
}
