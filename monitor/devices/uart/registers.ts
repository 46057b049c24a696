// Registers of the 16550A (PC16550D data sheet 8.0).

export const enum Register {
  Data = 0, // RBR, THR; DLL while LCR.DLAB
  InterruptEnable = 1, // IER; DLM while LCR.DLAB
  InterruptIdentification = 2, // IIR; FCR when written
  LineControl = 3, // LCR
  ModemControl = 4, // MCR
  LineStatus = 5, // LSR
  ModemStatus = 6, // MSR
  Scratch = 7, // SCR
}

export const enum InterruptEnable {
  ReceivedData = 1 << 0, // ERBFI
  TransmitterEmpty = 1 << 1, // ETBEI
  LineStatus = 1 << 2, // ELSI
  ModemStatus = 1 << 3, // EDSSI
  Writable = 0x0f,
}

export const enum Identification {
  None = 0x01,
  ModemStatus = 0x00,
  TransmitterEmpty = 0x02,
  ReceivedData = 0x04,
  LineStatus = 0x06,
  CharacterTimeout = 0x0c,
  FifosEnabled = 0xc0,
}

export const enum FifoControl {
  Enable = 1 << 0,
  ResetReceiver = 1 << 1,
  TriggerShift = 6,
}

export const DIVISOR_LATCH_ACCESS: u32 = 1 << 7; // LCR.DLAB

export const enum ModemControl {
  DataTerminalReady = 1 << 0,
  RequestToSend = 1 << 1,
  Out1 = 1 << 2,
  Out2 = 1 << 3,
  Loop = 1 << 4,
  Writable = 0x1f,
}

export const enum LineStatus {
  DataReady = 1 << 0,
  OverrunError = 1 << 1,
  TransmitterEmpty = 3 << 5, // THRE and TEMT
}

export const enum ModemStatus {
  DeltaMask = 0x0f,
  TrailingRing = 1 << 2, // TERI: set when RI falls
  ClearToSend = 1 << 4,
  DataSetReady = 1 << 5,
  RingIndicator = 1 << 6,
  CarrierDetect = 1 << 7,
  Connected = ClearToSend | DataSetReady | CarrierDetect,
}
