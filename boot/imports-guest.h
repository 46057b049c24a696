// guest.*, image.* and time.*: monitor/imports.ts. All that a monitor reaches outside its linear memory, bounded by
// the grants that the kernel left in its instance page. No sum here can overflow: each length is compared with what
// remains after the offset.
#include <string.h>

#include "layout.h"
#include "types.h"

struct w2c_guest;
struct w2c_image;
struct w2c_time;

#define MONITOR_GRANTS ((const u64*)(MONITOR_INSTANCE + MONITOR_GRANTS_OFFSET))
#define OUT_OF_BOUNDS ((u8*)0)

static inline __attribute__((always_inline)) int range_fits(u64 offset, u64 length, u64 size) {
  return offset <= size && length <= size - offset;
}

/** Where `length` bytes of guest memory lie in the direct map. */
static inline u8* guest_range(u64 gpa, u64 length) {
  u64 low = MONITOR_GRANTS[GRANT_LOW_MEMORY];
  u64 base = DIRECT_BASE + MONITOR_GRANTS[GRANT_MEMORY_BASE];
  if (range_fits(gpa, length, low)) return (u8*)(base + gpa);
  if (gpa < HIGH_MEMORY_BASE) return OUT_OF_BOUNDS;
  if (range_fits(gpa - HIGH_MEMORY_BASE, length, MONITOR_GRANTS[GRANT_HIGH_MEMORY])) {
    return (u8*)(base + low + (gpa - HIGH_MEMORY_BASE));
  }
  return OUT_OF_BOUNDS;
}

/** Where `length` bytes that the guest can read lie: its memory, or the ROM that ends at 4 GiB. */
static inline const u8* guest_source(u64 gpa, u64 length) {
  const u8* memory = guest_range(gpa, length);
  if (memory != OUT_OF_BOUNDS) return memory;
  u64 size = MONITOR_GRANTS[GRANT_ROM_SIZE];
  u64 start = HIGH_MEMORY_BASE - size;
  if (gpa < start || !range_fits(gpa - start, length, size)) return OUT_OF_BOUNDS;
  return (const u8*)(DIRECT_BASE + MONITOR_GRANTS[GRANT_ROM_BASE] + (gpa - start));
}

/** Where `length` bytes of an image lie in the direct map. */
static inline u8* image_range(u32 image, u64 offset, u64 length) {
  if (image >= IMAGE_COUNT) return OUT_OF_BOUNDS;
  const u64* grant = MONITOR_GRANTS + GRANT_IMAGES + 2 * image;
  if (!range_fits(offset, length, grant[1])) return OUT_OF_BOUNDS;
  return (u8*)(DIRECT_BASE + grant[0] + offset);
}

/** Loads of the guest's own memory race with the guest: volatile, so that each happens exactly once. */
#define DEFINE_LOAD_FROM_RANGE(name, type, result, parameters, range) \
  IMPORT result name parameters {                                     \
    const u8* source = range;                                         \
    if (source == OUT_OF_BOUNDS) return (type)~0ull;                  \
    return *(const volatile type*)source;                             \
  }

#define DEFINE_GUEST_LOAD(bits, result) \
  DEFINE_LOAD_FROM_RANGE(w2c_guest_load##bits, u##bits, result, (INSTANCE(guest), u64 gpa), guest_source(gpa, bits / 8))

#define DEFINE_IMAGE_LOAD(bits, result)                                                                     \
  DEFINE_LOAD_FROM_RANGE(w2c_image_load##bits, u##bits, result, (INSTANCE(image), u32 image, u64 offset), \
                         image_range(image, offset, bits / 8))

#define DEFINE_GUEST_STORE(bits, parameter)                                       \
  IMPORT void w2c_guest_store##bits(INSTANCE(guest), u64 gpa, parameter value) { \
    u8* target = guest_range(gpa, bits / 8);                                      \
    if (target != OUT_OF_BOUNDS) *(volatile u##bits*)target = (u##bits)value;     \
  }

DEFINE_GUEST_LOAD(8, u32)
DEFINE_GUEST_LOAD(16, u32)
DEFINE_GUEST_LOAD(32, u32)
DEFINE_GUEST_LOAD(64, u64)
DEFINE_GUEST_STORE(8, u32)
DEFINE_GUEST_STORE(16, u32)
DEFINE_GUEST_STORE(32, u32)
DEFINE_GUEST_STORE(64, u64)
DEFINE_IMAGE_LOAD(8, u32)
DEFINE_IMAGE_LOAD(16, u32)
DEFINE_IMAGE_LOAD(32, u32)
DEFINE_IMAGE_LOAD(64, u64)

IMPORT u32 w2c_guest_clear(INSTANCE(guest), u64 gpa, u64 length) {
  u8* target = guest_range(gpa, length);
  if (target == OUT_OF_BOUNDS) return 0;
  memset(target, 0, length);
  return 1;
}

IMPORT u32 w2c_guest_copyImage(INSTANCE(guest), u64 gpa, u32 image, u64 offset, u64 length) {
  u8* target = guest_range(gpa, length);
  const u8* source = image_range(image, offset, length);
  if (target == OUT_OF_BOUNDS || source == OUT_OF_BOUNDS) return 0;
  memcpy(target, source, length);
  return 1;
}

/** A read-only disk is not mapped writable: storing to it faults. */
IMPORT u32 w2c_guest_copyToDisk(INSTANCE(guest), u64 gpa, u64 offset, u64 length) {
  const u8* source = guest_range(gpa, length);
  u8* target = image_range(IMAGE_DISK, offset, length);
  if (source == OUT_OF_BOUNDS || target == OUT_OF_BOUNDS) return 0;
  memcpy(target, source, length);
  return 1;
}

IMPORT void w2c_guest_saveVectors(INSTANCE(guest), u32 area) {
  __asm__ volatile("fxsave64 %%gs:(%0)" : : "r"((u64)area) : "memory");
}

IMPORT void w2c_guest_restoreVectors(INSTANCE(guest), u32 area) {
  __asm__ volatile("fxrstor64 %%gs:(%0)" : : "r"((u64)area) : "memory");
}

IMPORT u64 w2c_image_size(INSTANCE(image), u32 image) {
  return image < IMAGE_COUNT ? MONITOR_GRANTS[GRANT_IMAGES + 2 * image + 1] : 0;
}

IMPORT u64 w2c_time_now(INSTANCE(time)) {
  return __builtin_ia32_rdtsc();
}
