// wasm2c's code defines float helpers in every module. The audit admits no float, so none of them is compiled
// into anything; these declarations only let them parse.
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)
#define signbit(x) __builtin_signbit(x)
#define DECLARE(name) double name(double); float name##f(float)
DECLARE(floor);
DECLARE(ceil);
DECLARE(trunc);
DECLARE(nearbyint);
DECLARE(fabs);
DECLARE(sqrt);
