// Why a DMAR table was refused, and where.

export const enum DmarStatus {
  Done = 0,
  Missing = 1,
  /** The header's length or the checksum. */
  TableMalformed = 2,
  TableTooShort = 3,
  HostAddressWidth = 4,
  StructureTruncated = 5,
  /** Shorter than its type's fields; a length of zero too. */
  StructureTooShort = 6,
  StructureBeyondTable = 7,
  ScopeTruncated = 8,
  /** No path at all, or half a step at its end; a length of zero too. */
  ScopeLength = 9,
  ScopeBeyondStructure = 10,
  /** A device above 31 or a function above 7, which would make another function's source id. */
  ScopePath = 11,
  UnitAddress = 12,
  UnitBeyondWidth = 13,
  /** Registers of two units overlap; the same address twice too. */
  UnitOverlap = 14,
  IncludeAllTwice = 15,
  IncludeAllNotLast = 16,
  ReservedMemoryLimit = 17,
  ReservedMemoryUnaligned = 18,
  ReservedMemoryBeyondWidth = 19,
  ReservedMemoryOverlap = 20,
  TooManyUnits = 21,
  TooManyScopes = 22,
  TooManyReservedMemories = 23,
  TooManyRootPortAts = 24,
  TooManyProximities = 25,
  TooManyAcpiDevices = 26,
  TooManySocAddressTranslations = 27,
  NoUnit = 28,
}

let failureOffset: u32 = 0;

/** Offset in the table of the structure, scope or field that is wrong; 0 if nothing is or the table is missing. */
export function dmarFailureOffset(): u32 {
  return failureOffset;
}

export function clearFailure(): void {
  failureOffset = 0;
}

/** Remembers where the table is wrong and gives the status back. */
export function refuse(offset: u32, status: DmarStatus): DmarStatus {
  failureOffset = offset;
  return status;
}

export function dmarStatusText(status: u32): string {
  switch (status) {
    case DmarStatus.Done: return "done";
    case DmarStatus.Missing: return "there is no DMAR table: the machine has no VT-d, or its firmware switched it off";
    case DmarStatus.TableMalformed: return "wrong length or checksum of the DMAR table";
    case DmarStatus.TableTooShort: return "the DMAR table is shorter than its header";
    case DmarStatus.HostAddressWidth: return "host address width above 52 bits";
    case DmarStatus.StructureTruncated: return "the table ends within a structure's header";
    case DmarStatus.StructureTooShort: return "a structure is shorter than its fields";
    case DmarStatus.StructureBeyondTable: return "a structure leaves the table";
    case DmarStatus.ScopeTruncated: return "a structure ends within a device scope's header";
    case DmarStatus.ScopeLength: return "a device scope has no path or half a step";
    case DmarStatus.ScopeBeyondStructure: return "a device scope leaves its structure";
    case DmarStatus.ScopePath: return "a device scope's path has a device above 31 or a function above 7";
    case DmarStatus.UnitAddress: return "a remapping unit's registers are at address 0 or not page-aligned";
    case DmarStatus.UnitBeyondWidth: return "a remapping unit's registers lie beyond the host address width";
    case DmarStatus.UnitOverlap: return "the registers of two remapping units overlap";
    case DmarStatus.IncludeAllTwice: return "two remapping units of a segment have INCLUDE_PCI_ALL";
    case DmarStatus.IncludeAllNotLast: return "the remapping unit with INCLUDE_PCI_ALL is not the last of its segment";
    case DmarStatus.ReservedMemoryLimit: return "reserved memory ends before it starts";
    case DmarStatus.ReservedMemoryUnaligned: return "reserved memory is not made of whole pages";
    case DmarStatus.ReservedMemoryBeyondWidth: return "reserved memory lies beyond the host address width";
    case DmarStatus.ReservedMemoryOverlap: return "two ranges of reserved memory overlap without being equal";
    case DmarStatus.TooManyUnits: return "more than 64 remapping units";
    case DmarStatus.TooManyScopes: return "more than 512 device scopes";
    case DmarStatus.TooManyReservedMemories: return "more than 64 ranges of reserved memory";
    case DmarStatus.TooManyRootPortAts: return "more than 64 ATSR structures";
    case DmarStatus.TooManyProximities: return "more than 64 RHSA structures";
    case DmarStatus.TooManyAcpiDevices: return "more than 64 ANDD structures";
    case DmarStatus.TooManySocAddressTranslations: return "more than 64 SATC structures";
    case DmarStatus.NoUnit: return "the DMAR table has no remapping unit";
    default: return "unknown status";
  }
}
