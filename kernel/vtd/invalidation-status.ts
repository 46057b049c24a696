// What became of an invalidation. Unless it is Done, the unit may still use what it was told to forget.

export const enum InvalidationStatus {
  Done = 0,
  /** Neither the queue nor the registers answered in time. */
  TimedOut = 1,
  /** The unit refused the descriptor twice: FSTS.IQE. */
  QueueError = 2,
  /** A device answered its device TLB's invalidation wrongly twice: FSTS.ICE. */
  CompletionError = 3,
  /** A device did not answer its device TLB's invalidation: FSTS.ITE, or the queue stood still. */
  DeviceTlbTimeOut = 4,
  /** There is no queue, and no register does this, or not in scalable mode. */
  Unsupported = 5,
  /** The unit refused the command of a register: CAIG or IAIG is 0. */
  Refused = 6,
  /** The unit did not flush its write buffer (GSTS.WBFS), so that it may not see the change at all. */
  WriteBuffer = 7,
}
