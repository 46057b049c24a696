// wasm2c's code defines float helpers in every module. The audit admits no float, so none of them is compiled
// into anything; these declarations only let them parse.
#define NAN __builtin_nanf("")
#define isnan(x) __builtin_isnan(x)
#define signbit(x) __builtin_signbit(x)
double floor(double);
float floorf(float);
double ceil(double);
float ceilf(float);
double trunc(double);
float truncf(float);
double nearbyint(double);
float nearbyintf(float);
double fabs(double);
float fabsf(float);
double sqrt(double);
float sqrtf(float);
